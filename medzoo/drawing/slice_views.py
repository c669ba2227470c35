"""Three orthogonal views: which slice, which way round, which grey values."""

import numpy as np

from medzoo.spatial import orient

# Title, axis cut through, horizontal and vertical axis of the picture (0 left-right,
# 1 back-front, 2 low-high), and what its left, right, top and bottom are.
# The horizontal axis runs backwards, so that the right is on the left: radiological.
PANELS = (
    ("coronal", 1, 0, 2, "RLSI"),
    ("sagittal", 0, 1, 2, "APSI"),
    ("axial", 2, 0, 1, "RLAP"),
)
CONVENTION = (
    "Radiological convention: the patient's right (R) is on the left of the coronal "
    "and axial slices."
)
# A head is about this high; what a scan shows below it is neck.
HEAD_HEIGHT_MM = 170.0
MANY_VOXELS = 1e7
# Fat beside a coil may be several times brighter than the brain, which would be dark:
# white is this much above the middle of the field of view, but no less than this share
# of what is brightest, should the middle be empty.
ABOVE_MIDDLE, LEAST_WHITE = 1.3, 0.4


def displayed(volume):
    """Returns the first channel of a Volume as it is looked at.

    Args:
        volume: Volume in any orientation, of any type.

    Returns:
        Volume `(x, y, z)` float32 in RAS; what is not finite is 0.
    """
    array = volume.array if volume.array.ndim == 3 else volume.array[..., 0]
    array = np.nan_to_num(array.astype(np.float32), copy=False)
    return orient(volume.with_array(array), "RAS")


def middle_and_window(volume):
    """Finds the middle of the head, and the grey values to show.

    Args:
        volume: Volume as `displayed` gives it.

    Returns:
        Tuple of three ints, the voxel, and (darkest, brightest).
    """
    # Of a very large volume, a part of the voxels tells as much.
    step = max(int((volume.array.size / MANY_VOXELS) ** (1 / 3)), 1)
    few = volume.array[::step, ::step, ::step]
    low, high = np.percentile(few, (1, 99.8))
    window = (float(low), float(_white(few, low, high)))
    if high <= low:
        # Nearly all voxels are one value: what differs is all there is to see.
        low, high = float(volume.array.min()), float(volume.array.max())
        window = (low, high if high > low else low + 1)
    head = volume.array > low + 0.2 * (high - low)
    if not head.any():
        return tuple(n // 2 for n in volume.shape), window
    top = _extent_along(head, 2)[1]
    neck = max(top - round(HEAD_HEIGHT_MM / volume.spacing[2]), 0)
    ends = [_extent_along(head[:, :, neck : top + 1], axis) for axis in range(3)]
    middle = [(first + last) // 2 for first, last in ends]
    middle[2] += neck
    return tuple(middle), window


def _white(array, low, high):
    """What to draw white, between the darkest and the brightest level."""
    middle = array[tuple(slice(n // 3, n - n // 3) for n in array.shape)]
    above = ABOVE_MIDDLE * (np.percentile(middle, 99.5) - low)
    return low + np.clip(above, LEAST_WHITE * (high - low), high - low)


def _extent_along(mask, axis):
    """First and last slice that holds more than specks of noise."""
    others = tuple(other for other in range(3) if other != axis)
    profile = mask.sum(axis=others)
    found = np.flatnonzero(profile > 0.02 * profile.max())
    return int(found[0]), int(found[-1])


def slice_of(array, axis, index):
    """Returns one slice of an RAS array as a picture, its first row on top.

    Args:
        array: `(x, y, z)` in RAS.
        axis: int, the axis that is cut through.
        index: int, where.

    Returns:
        `(rows, columns)`, the way round that `PANELS` says.
    """
    return np.take(array, index, axis=axis)[::-1, ::-1].T
