"""Signed maps over slices: what raises an answer in one colour, what lowers it another.

The colours differ for every kind of colour vision; where a map is near zero, the scan
shows as it is.
"""

import numpy as np

from medzoo.drawing.pictures import area_weights, grey_levels
from medzoo.drawing.slice_views import PANELS, displayed, middle_and_window, slice_of
from medzoo.io.png import encode_png
from medzoo.spatial import orient

# Okabe and Ito's vermilion and blue.
RAISES = np.array([213, 94, 0], np.float64)
LOWERS = np.array([0, 114, 178], np.float64)
MOST_OPAQUE = 0.85
# Of the values in the middle slices: beyond it colours do not grow stronger.
PERCENTILE = 99.0


def heat_slices(scan, heat, longest=256, middle=None):
    """Draws three slices of a scan with a signed map over them.

    Args:
        scan: Volume, scalar or with channels, of which the first is shown.
        heat: Volume on its grid, scalar.
        longest: int, pixels of the longest side of the longest picture at most.
        middle: three ints, the voxel in RAS to cut through; None for where the map is
            strongest, slice by slice.

    Returns:
        dict of view ("coronal", "sagittal", "axial") -> `(rows, columns, 3)` uint8
        with square pixels, and the float that the strongest colour stands for.
    """
    seen = displayed(scan)
    signed = orient(heat, "RAS").array.astype(np.float64)
    _, window = middle_and_window(seen)
    grey = grey_levels(seen.array, window)
    if middle is None:
        middle = strongest(signed)
    cuts = [slice_of(signed, cut, middle[cut]) for _, cut, *_ in PANELS]
    limit = limit_of(np.concatenate([cut.ravel() for cut in cuts]))
    extent = np.multiply(seen.shape, seen.spacing)
    pixel = max(extent.max() / longest, min(seen.spacing))
    pictures = {}
    for (title, cut, horizontal, vertical, _), own in zip(PANELS, cuts, strict=True):
        size = (seen.spacing[vertical], seen.spacing[horizontal])
        plain = slice_of(grey, cut, middle[cut]).astype(np.float64)
        plain, own = (_square(picture, size, pixel) for picture in (plain, own))
        pictures[title] = coloured(plain, own, limit)
    return pictures, limit


def strongest(signed):
    """Returns the slice of each axis in which a map is strongest, three ints."""
    absolute = np.abs(signed)
    others = ((1, 2), (0, 2), (0, 1))
    return tuple(int(absolute.sum(axis=axes).argmax()) for axes in others)


def limit_of(values):
    """Returns what the strongest colour stands for, a float above 0."""
    absolute = np.abs(values[values != 0])
    return float(np.percentile(absolute, PERCENTILE)) if absolute.size else 1.0


def coloured(grey, signed, limit):
    """Lays a signed map over a grey picture.

    Args:
        grey: `(rows, columns)` array, 0 to 255.
        signed: `(rows, columns)` array.
        limit: float, what is shown in the full colour.

    Returns:
        `(rows, columns, 3)` uint8.
    """
    share = np.clip(np.abs(signed) / limit, 0, 1)[..., None] * MOST_OPAQUE
    colours = np.where(signed[..., None] > 0, RAISES, LOWERS)
    mixed = np.asarray(grey, np.float64)[..., None] * (1 - share) + colours * share
    return np.rint(mixed).astype(np.uint8)


def side_by_side(pictures):
    """Returns pictures in a row, centred, as the bytes of one PNG.

    Args:
        pictures: list of `(rows, columns, 3)` uint8.
    """
    rows = max(picture.shape[0] for picture in pictures)
    padded = []
    for picture in pictures:
        above = (rows - picture.shape[0]) // 2
        below = rows - picture.shape[0] - above
        padded.append(np.pad(picture, [(above, below), (2, 2), (0, 0)]))
    return encode_png(np.ascontiguousarray(np.concatenate(padded, axis=1)))


def _square(picture, size, pixel):
    """Resamples to square pixels, each the mean of what it covers, see `shrink`."""
    down, across = (
        area_weights(length, max(round(length * s / pixel), 1))
        for length, s in zip(picture.shape, size, strict=True)
    )
    return down @ picture @ across.T
