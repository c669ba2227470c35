"""Image size in the codestream header of compressed frames, checked before decoding.

Decoders take memory by it, whatever the header around it says.
"""

import struct

from medzoo.errors import FileFormatError
from medzoo.io.refusal import refusal

JPEG_2000_START = b"\xff\x4f\xff\x51"
# Start of frame of JPEG (all processes but the tables' own markers) and of JPEG-LS.
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
RLE = "1.2.840.10008.1.2.5"
# Bytes of a frame that are searched for its size.
HEAD = 1 << 16


def check_codestream(content, header, path):
    """Refuses frames whose size differs from the DICOM header.

    Args:
        content: pydicom Dataset with encapsulated PixelData.
        header: `Header`.
        path: what was read, for messages.

    Raises:
        FileFormatError: for the first such frame, or one without a size.
    """
    from pydicom.encaps import generate_fragments

    if header.syntax == RLE:  # has no size of its own
        return
    wanted = (int(header.content.Rows), int(header.content.Columns))
    for fragment in generate_fragments(content.PixelData):
        told = size_of(fragment[:HEAD])
        # A frame may be cut into fragments, of which only the first tells.
        if told not in (None, wanted):
            raise refusal(
                FileFormatError,
                "A compressed image must be of the size that the header promises",
                path,
                f"size={told}, promised={wanted}",
                "The file is damaged; copy it again from its source.",
            )


def size_of(data):
    """Returns rows and columns of a JPEG, JPEG-LS or JPEG 2000, or None.

    Args:
        data: bytes, its start.
    """
    if data[:4] == JPEG_2000_START and len(data) >= 24:
        right, bottom, left, top = struct.unpack(">4I", data[8:24])
        return bottom - top, right - left
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        length, _, rows, columns = struct.unpack(">HBHH", data[at + 2 : at + 9])
        if marker in FRAMES:
            return rows, columns
        at += 2 + length
    return None
