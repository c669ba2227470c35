"""Boxes of voxels, cut out of arrays that may be too small for them."""

import numpy as np


def cut_box(array, start, size):
    """Returns the box at `start`, padded with 0 where it leaves the array.

    Args:
        array: `(x, y, z, ...)`, a memory map too: only the box is read.
        start: three ints; below 0 for a box that begins before the array.
        size: three ints.

    Returns:
        A view of `array` where it holds the whole box, else a copy.
    """
    first = np.asarray(start, int)
    last = first + np.asarray(size, int)
    inside = np.clip([first, last], 0, array.shape[:3])
    part = array[tuple(slice(a, b) for a, b in inside.T)]
    missing = np.abs(inside - [first, last]).T
    if not missing.any():
        return part
    return np.pad(part, [*missing.tolist(), *[(0, 0)] * (part.ndim - 3)])


def centre_box(array, size):
    """Returns the box in the middle of `(x, y, z, ...)`."""
    array = np.asarray(array)
    start = (np.asarray(array.shape[:3]) - size) // 2
    return array[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
