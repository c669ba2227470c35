"""The header of a MetaImage (.mha, .mhd)."""

from medzoo.errors import InputError
from medzoo.io.refusal import refusal, shown_word
from medzoo.io.text_header import (
    TextHeader,
    header_bytes,
    header_fault,
    numbers,
    one_volume,
)

# MET_LONG is 4 bytes in the file and 8 in memory, depending on who wrote it.
TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
ALIASES = {
    "Rotation": "TransformMatrix",
    "Orientation": "TransformMatrix",
    "Position": "Offset",
    "Origin": "Offset",
    "ElementSize": "ElementSpacing",
}
GEOMETRY = ("TransformMatrix", "Offset", "ElementSpacing")
LAST = "ElementDataFile"
# What SimpleITK passes over.
PLAIN = {
    "DistanceUnits": "mm",
    "ElementToIntensityFunctionSlope": "1",
    "ElementToIntensityFunctionOffset": "0",
}


def parse_meta_image(path, *, several_volumes=False):
    """Reads and checks the header of a MetaImage.

    Args:
        path: pathlib.Path.
        several_volumes: bool, accept several numbers a voxel.

    Returns:
        TextHeader, and the byte where the voxels start if they are in this file.

    Raises:
        FileFormatError: no MetaImage, or damaged.
        InputError: a kind of image that medzoo does not read.
    """
    fields, start = _fields(header_bytes(path), path)
    rank = numbers(fields.get("NDims", ""), int, 1, path, "NDims")[0]
    sizes = numbers(fields.get("DimSize", ""), int, rank, path, "DimSize")
    components = numbers(
        fields.get("ElementNumberOfChannels", "1"), int, 1, path, "Channels"
    )[0]
    shape = one_volume(sizes, path, several_volumes, components)
    for name, count in zip(GEOMETRY, (rank * rank, rank, rank), strict=True):
        if name in fields:
            numbers(fields[name], float, count, path, name)
    _check_plain(fields, path)
    packed = fields.get("CompressedData", "False").lower() == "true"
    data_file = fields[LAST]
    return TextHeader(
        shape=shape,
        dtype=_dtype(fields.get("ElementType", ""), path),
        data_file=None if data_file.upper() == "LOCAL" else data_file,
        compression="zlib" if packed else None,
        packed_bytes=_packed_bytes(fields, path) if packed else None,
        has_geometry=all(name in fields for name in GEOMETRY),
    ), start


def _fields(data, path):
    """Key -> value up to the data, each key once, so that two readers agree."""
    fields, start = {}, 0
    while LAST not in fields:
        end = data.find(b"\n", start)
        key, equals, value = (
            data[start : max(end, start)].decode("latin-1").partition("=")
        )
        key = ALIASES.get(key.strip(), key.strip())
        if end < 0 or not equals or key in fields or not key.isascii():
            raise header_fault(
                path,
                "A MetaImage must begin with lines `Key = Value`, each key once, "
                f"up to {LAST}",
                f"line={len(fields) + 1}",
            )
        fields[key] = value.strip()
        start = end + 1
    return fields, start


def _packed_bytes(fields, path):
    """The number of compressed bytes that SimpleITK reads; None for all."""
    name = "CompressedDataSize"
    return numbers(fields[name], int, 1, path, name)[0] if name in fields else None


def _dtype(name, path):
    if name in TYPES:
        return TYPES[name]
    raise refusal(
        InputError,
        "Voxels must be real numbers of a size that is the same everywhere",
        path,
        f"ElementType={shown_word(name)}",
        "Convert the image to MET_FLOAT or MET_SHORT.",
    )


def _check_plain(fields, path):
    """Refuses what SimpleITK would read but the byte count cannot verify."""
    binary = fields.get("BinaryData", "True").lower() == "true"
    for name, value in PLAIN.items():
        if fields.get(name, value) not in (value, "?"):
            raise refusal(
                InputError,
                f"A MetaImage's {name} must be {value} or absent",
                path,
                f"{name}={shown_word(fields[name])}",
                "Convert the image to millimetres and unscaled voxels.",
            )
    skipped = fields.get("HeaderSize", "0")
    lists = fields[LAST].upper().startswith("LIST")
    if not binary or skipped != "0" or lists:
        raise refusal(
            InputError,
            "A MetaImage must hold binary data in one file, without a skipped part",
            path,
            f"BinaryData={binary}, HeaderSize={shown_word(skipped)}, list={lists}",
            "Convert the image to one .mha file.",
        )
