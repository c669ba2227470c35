"""MetaImage and NRRD headers, checked before SimpleITK reads the file.

SimpleITK fills the missing part of a truncated file with zeros, without a word.
"""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import FileFormatError, InputError, MissingFileError
from medzoo.io.byte_source import COPY_ADVICE, MOST_EXPANSION, MOST_TRAILING, open_bytes
from medzoo.io.memory_limit import check_voxel_bytes
from medzoo.io.refusal import refusal

MOST_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class TextHeader:
    """The checked fields of a header.

    Attributes:
        shape: three ints, (x, y, z); four where several volumes were allowed.
        dtype: str, numpy's name without byte order, "i2".
        data_file: str, a file name in the same folder, or None: in this file.
        compression: None, "zlib" or "gzip".
        has_geometry: bool, whether it has origin, spacing and direction.
        unit: float, mm of one unit of its geometry.
        packed_bytes: int, how many bytes the compressed voxels take, or None: to the
            end of the file.
    """

    shape: tuple
    dtype: str
    data_file: str | None
    compression: str | None
    has_geometry: bool
    unit: float = 1.0
    packed_bytes: int | None = None

    @property
    def voxel_bytes(self):
        """int, the bytes of all voxels, unpacked."""
        return math.prod(self.shape) * int(self.dtype[1:])


def header_fault(path, rule, received):
    """A FileFormatError about a text header."""
    return refusal(
        FileFormatError,
        rule,
        path,
        received,
        "Convert the image again from its source.",
    )


def header_bytes(path):
    """The first bytes of a file, at most 64 KiB."""
    with open_bytes(path) as source:
        return source.raw.read(MOST_HEADER_BYTES)


def numbers(text, kind, count, path, name):
    """`count` finite numbers out of a header's value.

    Raises:
        FileFormatError: if they are not that.
    """
    words = text.replace("(", " ").replace(")", " ").replace(",", " ").split()
    try:
        values = tuple(kind(word) for word in words)
    except (ValueError, OverflowError):
        values = ()
    if (count and len(values) != count) or not all(map(math.isfinite, values)):
        raise header_fault(
            path,
            f"{name} must hold {count or 'only'} finite numbers",
            f"{len(words)} words",
        )
    return values


def one_volume(sizes, path, several_volumes, components=1):
    """The spatial shape of an image that must be 3-D.

    Args:
        sizes: ints, all axes, x fastest.
        path: the file.
        several_volumes: bool, accept more than one component.
        components: int, numbers a voxel.

    Returns:
        Three ints, or four with the components.

    Raises:
        FileFormatError: a size below one.
        InputError: 2-D, or more than one volume.
    """
    if min((*sizes, components), default=0) < 1:
        raise header_fault(path, "Sizes must be at least one", f"sizes={list(sizes)}")
    if len(sizes) < 3:
        raise refusal(
            InputError,
            "An image must be 3-D",
            path,
            f"shape={list(sizes)}",
            "Stack the slices into a volume first.",
        )
    count = math.prod(sizes[3:]) * components
    if count == 1:
        return tuple(sizes[:3])
    if several_volumes and len(sizes) == 3:
        return (*sizes, components)
    raise refusal(
        InputError,
        "An image must hold one volume of one number a voxel",
        path,
        f"volumes={count}, shape={list(sizes)}",
        "Split the image and pass one volume.",
    )


def check_promise(header, path, start):
    """Checks that the file holds all voxels, decompressing them if needed.

    Args:
        header: TextHeader.
        path: pathlib.Path of the header.
        start: int, the byte after the header.

    Raises:
        FileFormatError: truncated or damaged.
        MissingFileError: the data file is not there.
        ResourceError: more voxels than memory allows.
    """
    data_path = path
    if header.data_file is not None:
        data_path, start = _beside(header.data_file, path), 0
    check_voxel_bytes(header.voxel_bytes, path)
    size = data_path.stat().st_size - start
    if header.compression is not None:
        if size * MOST_EXPANSION < header.voxel_bytes:
            raise _truncated(data_path, size, header.voxel_bytes)
        _check_packed(data_path, start, header)
    # More voxels than promised: then it is the header that is damaged.
    elif size != header.voxel_bytes:
        raise _truncated(data_path, size, header.voxel_bytes)


def _beside(name, path):
    """A data file, which may only be a plain name in the header's own folder."""
    if "%" in name or Path(name).name != name or "\\" in name or name in ("", ".."):
        raise header_fault(
            path, "A header must name one data file, in its own folder", "another path"
        )
    data_path = path.with_name(name)
    if not data_path.is_file():
        raise refusal(
            MissingFileError,
            "The data file that a header names must lie beside it",
            path,
            "data file=missing",
            "Copy it to the same folder.",
        )
    return data_path


def _check_packed(data_path, start, header):
    """Unpacks without keeping anything; zlib and gzip end with a checksum."""
    unpacker = zlib.decompressobj(31 if header.compression == "gzip" else 15)
    total = 0
    with open_bytes(data_path) as source:
        source.raw.seek(start)
        while not unpacker.eof and total <= header.voxel_bytes:
            chunk = unpacker.unconsumed_tail or source.raw.read(MOST_TRAILING)
            piece = unpacker.decompress(chunk, MOST_TRAILING)
            total += len(piece)
            if not chunk and not piece:
                break
        packed = source.raw.tell() - start - len(unpacker.unused_data)
    if total != header.voxel_bytes or not unpacker.eof:
        raise _truncated(data_path, total, header.voxel_bytes)
    # SimpleITK fills up with zeros what it was told not to look at.
    if header.packed_bytes not in (None, packed):
        raise header_fault(
            data_path,
            f"The compressed voxels must take the {header.packed_bytes} bytes that "
            "the header promises",
            f"bytes={packed}",
        )


def _truncated(path, received, promised):
    return refusal(
        FileFormatError,
        f"All {promised} bytes that the header promises must be there, and no more",
        path,
        f"bytes={received}",
        f"The file is truncated or damaged. {COPY_ADVICE}",
    )
