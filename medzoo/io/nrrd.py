"""The header of an NRRD (.nrrd, .nhdr)."""

import re

from medzoo.errors import GeometryError, InputError
from medzoo.io.refusal import refusal, shown_word
from medzoo.io.text_header import (
    TextHeader,
    header_bytes,
    header_fault,
    numbers,
    one_volume,
)

TYPES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int"
    "|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
NUMBERS = {alias: dtype for dtype, names in TYPES.items() for alias in names.split("|")}
COMPRESSION = {"raw": None, "gzip": "gzip", "gz": "gzip"}
ALIASES = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}
# The spaces whose axes are anatomical, so that left and right are known.
SPACES = {
    "right-anterior-superior",
    "left-anterior-superior",
    "left-posterior-superior",
    "ras",
    "las",
    "lps",
}
UNITS = {"mm": 1.0, "m": 1000.0, "um": 0.001, "microns": 0.001}


def parse_nrrd(path, *, several_volumes=False):
    """Reads and checks the header of an NRRD.

    Args:
        path: pathlib.Path.
        several_volumes: bool, accept several numbers a voxel.

    Returns:
        TextHeader, and the byte where the voxels start if they are in this file.

    Raises:
        FileFormatError: no NRRD, or damaged.
        InputError: a kind of image that medzoo does not read.
        GeometryError: a unit of length that is none.
    """
    fields, start = _fields(header_bytes(path), path)
    rank = numbers(fields.get("dimension", ""), int, 1, path, "dimension")[0]
    sizes = numbers(fields.get("sizes", ""), int, rank, path, "sizes")
    shape = _shape(sizes, fields.get("space directions", ""), path, several_volumes)
    # A "3D-right-handed" space does not tell left from right.
    has_geometry = fields.get("space", "").lower() in SPACES and all(
        f in fields for f in ("space directions", "space origin")
    )
    for name, count in (("space directions", 9), ("space origin", 3)):
        if name in fields:
            text = re.sub(r"\bnone\b", " ", fields[name])
            numbers(text, float, count, path, name)
    dtype, compression = _kind(fields, path)
    return TextHeader(
        shape=shape,
        dtype=dtype,
        data_file=fields.get("data file"),
        compression=compression,
        has_geometry=has_geometry,
        unit=_unit(fields.get("space units"), path),
    ), start


def _kind(fields, path):
    """Data type and encoding; refuses those whose size cannot be checked."""
    kind, encoding = fields.get("type", "").lower(), fields.get("encoding", "").lower()
    skips = {fields.get("line skip", "0"), fields.get("byte skip", "0")}
    is_list = fields.get("data file", "").upper().startswith("LIST")
    plain = skips == {"0"} and not is_list
    if encoding in COMPRESSION and kind in NUMBERS and plain:
        return NUMBERS[kind], COMPRESSION[encoding]
    raise refusal(
        InputError,
        "An NRRD must hold real numbers, raw or gzip, in one file without a skipped "
        "part",
        path,
        f"type={shown_word(kind)}, encoding={shown_word(encoding)}, list={is_list}",
        "Convert the image to one .nrrd file.",
    )


def _fields(data, path):
    """Field -> value up to the blank line; comments and key/value pairs left out."""
    if not re.match(rb"NRRD000[1-5]\r?\n", data):
        raise header_fault(
            path, "An NRRD must begin with its signature", f"bytes={data[:8].hex()}"
        )
    fields, start = {}, data.find(b"\n") + 1
    while True:
        end = data.find(b"\n", start)
        line = data[start : max(end, start)].decode("latin-1").rstrip("\r")
        start = end + 1
        if end >= 0 and not line:
            return fields, start
        if end < 0 and "data file" in fields:
            return fields, len(data)  # a detached header may end without a blank line
        if line.startswith("#") or ":=" in line:
            continue
        name, colon, value = line.partition(": ")
        name = ALIASES.get(name.lower(), name.lower())
        if end < 0 or not colon or name in fields:
            raise header_fault(
                path,
                "An NRRD header must be lines `field: value`, each field once, and a "
                "blank line",
                f"fields before={len(fields)}",
            )
        fields[name] = value.strip()


def _shape(sizes, directions, path, several_volumes):
    """The three axes with a direction, wherever the axis without one stands."""
    words = re.findall(r"none|\([^)]*\)", directions)
    if len(sizes) == 4 and len(words) == 4 and words.count("none") == 1:
        axis = words.index("none")
        components = sizes[axis]
        spatial = sizes[:axis] + sizes[axis + 1 :]
        return one_volume(spatial, path, several_volumes, components)
    return one_volume(sizes, path, several_volumes)


def _unit(text, path):
    """Millimetres of one unit; the three axes must have the same."""
    found = set(re.findall(r'"([^"]*)"', text or '"mm"')) - {""}
    if len(found) == 1 and (unit := found.pop()) in UNITS:
        return UNITS[unit]
    raise refusal(
        GeometryError,
        "An NRRD's space units must be one of mm, m, um for all axes",
        path,
        "space units=another",
        "Correct the header or convert the image.",
    )
