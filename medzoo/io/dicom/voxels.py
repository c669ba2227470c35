"""Voxels of slices: decoded by pydicom, checked against the header."""

import warnings

import numpy as np

from medzoo.errors import FileFormatError, InputError, MedzooError
from medzoo.io.dicom.bounded_reader import BoundedReader
from medzoo.io.dicom.codestream import check_codestream
from medzoo.io.dicom.header import is_compressed, read_errors
from medzoo.io.dicom.mosaic import cut_tile
from medzoo.io.memory_limit import check_voxel_bytes
from medzoo.io.refusal import refusal

PIXELS = [
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PlanarConfiguration",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
]
# Of one decoded image. The largest scanners' are 4096 x 4096, mosaics among them.
MOST_PIXELS = 4096 * 4096
READS = 2_000_000


def voxels_of(planes, path):
    """Returns the voxels of a stack.

    Args:
        planes: sequence of `Plane`, in order.
        path: what was read, for messages.

    Returns:
        Array `(column, row from below, slice)`; integers where nothing scales them,
        else float32.

    Raises:
        FileFormatError: damaged, truncated, or other than the header promises.
        InputError: no grey values, or a compression that cannot be undone here.
        ResourceError: more voxels than memory allows.
    """
    _check_promises(planes, path)
    rows, columns = planes[0].size
    scaled = any((plane.slope, plane.intercept) != (1.0, 0.0) for plane in planes)
    result, of_file, decoded = None, None, None
    for index, plane in enumerate(planes):
        if plane.header is not of_file:
            decoded = _decode(plane.header, path)
            of_file = plane.header
        image = decoded[min(plane.frame, len(decoded) - 1)]
        if plane.tile is not None:
            image = cut_tile(image, plane.size, plane.tile)
        if result is None:
            dtype = np.float32 if scaled or image.dtype.kind == "f" else image.dtype
            result = np.empty((columns, rows, len(planes)), dtype, order="F")
        if image.shape != (rows, columns) or not np.can_cast(
            image.dtype, result.dtype, "same_kind"
        ):
            raise _damaged(path, f"shape={image.shape}, dtype={image.dtype}")
        if scaled:
            image = image * np.float64(plane.slope) + plane.intercept
        result[:, :, index] = image[::-1].T
    return result


def _check_promises(planes, path):
    headers = {id(p.header): p.header for p in planes}.values()
    total = 4 * len(planes) * planes[0].size[0] * planes[0].size[1]
    check_voxel_bytes(total, path)
    for header in headers:
        content = header.content
        pixels = int(content.Rows) * int(content.Columns)
        frames = int(content.get("NumberOfFrames") or 1)
        bits = int(content.get("BitsAllocated") or 16)
        if pixels > MOST_PIXELS or bits not in (8, 16, 32, 64):
            raise _damaged(path, f"pixels={pixels}, bits={bits}")
        promised = pixels * frames * bits // 8
        check_voxel_bytes(promised, path)
        if not is_compressed(header.syntax) and promised > header.member.size:
            raise _damaged(path, f"bytes={header.member.size}, promised={promised}")


def _decode(header, path):
    """All frames of a file, `(frame, rows, columns)`."""
    import pydicom

    frames = int(header.content.get("NumberOfFrames") or 1)
    try:
        with header.member.open() as file, warnings.catch_warnings():
            # Of odd but legible values; what matters is checked.
            warnings.simplefilter("ignore")
            size = header.member.size
            reader = BoundedReader(file, size, most_bytes=2 * size, most_reads=READS)
            content = pydicom.dcmread(reader, specific_tags=PIXELS, force=True)
            if is_compressed(header.syntax):
                check_codestream(content, header, path)
            array = content.pixel_array
    except MedzooError:
        raise
    except read_errors() as error:
        if "plugin" in str(error) or isinstance(error, NotImplementedError):
            raise _no_decoder(header, path) from None
        raise _damaged(path, f"error={type(error).__name__}") from None
    wanted = (frames, int(header.content.Rows), int(header.content.Columns))
    if array.size != np.prod(wanted):
        raise _damaged(path, f"shape={array.shape}, promised={wanted}")
    return array.reshape(wanted)


def _no_decoder(header, path):
    return refusal(
        InputError,
        "The compression of DICOM images must be supported by an installed decoder",
        path,
        f"transfer syntax={header.syntax}",
        "Install the extra dicom (pip install 'medzoo[dicom]'), or convert the images.",
    )


def _damaged(path, received):
    return refusal(
        FileFormatError,
        "A DICOM file must hold the voxels that its header promises",
        path,
        received,
        "A file is truncated or damaged; copy it again from its source.",
    )
