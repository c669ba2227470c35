"""PNG: a picture as bytes, for logs and reports."""

import struct
import zlib

import numpy as np

from medzoo.errors import InputError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# PNG's numbers for greyscale and RGB.
COLOUR_TYPES = {1: 0, 3: 2}


def encode_png(picture):
    """Returns a picture as the bytes of a PNG file.

    Args:
        picture: `(rows, columns)` or `(rows, columns, 3)` uint8.

    Raises:
        InputError: for another shape or type.

    Source:
        Portable Network Graphics Specification, W3C (2003).
    """
    picture = np.asarray(picture)
    channels = 1 if picture.ndim == 2 else picture.shape[-1]
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or not picture.size:
        channels = 0
    if channels not in COLOUR_TYPES:
        raise InputError(
            "A picture must be uint8 of shape (rows, columns) or (rows, columns, 3). "
            f"Received: shape={picture.shape}, dtype={picture.dtype}."
        )
    rows, columns = picture.shape[:2]
    header = struct.pack(">IIBBBBB", columns, rows, 8, COLOUR_TYPES[channels], 0, 0, 0)
    lines = picture.reshape(rows, columns * channels)
    # A zero before each line: it is stored as it is, not as differences.
    data = np.insert(lines, 0, 0, axis=1).tobytes()
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data, 6)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
