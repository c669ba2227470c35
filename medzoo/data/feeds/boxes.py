"""Boxes of voxels, cut out of arrays that may be too small for them."""

import numpy as np


def cut_box(array, start, size):
    """Returns the box at `start`, padded with 0 at the end of axes that are too short.

    Args:
        array: `(x, y, z, ...)`, a memory map too: only the box is read.
        start: three ints.
        size: three ints.

    Returns:
        A view of `array` where it holds the whole box, else a copy.
    """
    part = array[
        tuple(slice(int(a), int(a + n)) for a, n in zip(start, size, strict=True))
    ]
    missing = [(0, int(n) - m) for n, m in zip(size, part.shape[:3], strict=True)]
    if not any(after for _, after in missing):
        return part
    return np.pad(part, [*missing, *[(0, 0)] * (part.ndim - 3)])


def centre_box(array, size):
    """Returns the box in the middle of `(x, y, z, ...)`."""
    array = np.asarray(array)
    start = (np.asarray(array.shape[:3]) - size) // 2
    return array[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
