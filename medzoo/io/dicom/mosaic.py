"""Siemens mosaics: all slices of a volume as tiles of one large image."""

import math

import numpy as np

from medzoo.io.dicom.header import finite, read_errors

MOST_TILES = 1024


def is_mosaic(header):
    """Whether a file's image is a mosaic."""
    return "MOSAIC" in header.words("ImageType")


def mosaic_planes(header, make, image):
    """Returns the slices of a mosaic.

    Args:
        header: `Header` of the file.
        make: class, `Plane`.
        image: `Plane`, the mosaic as if it were one slice.

    Returns:
        list of `Plane`, or [] where the scanner's own header does not tell how many
        tiles there are and where they lie.

    Source: nibabel.nicom.dicomwrappers.MosaicWrapper; the position in the header is
    that of the mosaic's corner if its centre were that of a slice.
    """
    count, normal = _told(header)
    step = finite(header.content.get("SpacingBetweenSlices")) or finite(
        header.content.get("SliceThickness")
    )
    known = (image.position, image.orientation, image.spacing, count, normal, step)
    if any(value is None for value in known):
        return []
    side = math.ceil(math.sqrt(count))
    rows, columns = image.size
    if rows % side or columns % side:
        return []
    size = (rows // side, columns // side)
    margin = (np.array(image.size) - size) / 2 * image.spacing
    down, right = image.orientation[3:], image.orientation[:3]
    corner = image.position + down * margin[0] + right * margin[1]
    return [
        make(
            header=header,
            frame=0,
            position=corner + tile * step * normal,
            orientation=image.orientation,
            spacing=image.spacing,
            slope=image.slope,
            intercept=image.intercept,
            kind=image.kind,
            size=size,
            tile=tile,
        )
        for tile in range(count)
    ]


def cut_tile(mosaic, size, tile):
    """Returns one slice of a mosaic.

    Args:
        mosaic: `(rows, columns)` array.
        size: two ints, rows and columns of a slice.
        tile: int, from the upper left, row by row.
    """
    down, right = divmod(tile, mosaic.shape[1] // size[1])
    top, left = down * size[0], right * size[1]
    return mosaic[top : top + size[0], left : left + size[1]]


def _told(header):
    """Number of slices and their unit normal, from Siemens' private header."""
    from nibabel.nicom import csareader

    try:
        csa = csareader.get_csa_header(header.content, "image")
    # nibabel asserts what a damaged one breaks.
    except (csareader.CSAError, AssertionError, *read_errors()):
        return None, None
    if not csa:
        return None, None
    count = csareader.get_n_mosaic(csa)
    normal = csareader.get_slice_normal(csa)
    if count is None or not 1 <= count <= MOST_TILES or normal is None:
        return None, None
    normal = np.asarray(normal, np.float64)
    length = np.linalg.norm(normal)
    return int(count), normal / length if 0.9 < length < 1.1 else None
