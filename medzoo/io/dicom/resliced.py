"""Resampling of unevenly spaced slices."""

from dataclasses import replace

import numpy as np

from medzoo.io.dicom.stacks import normal_of


def resliced(array, planes):
    """Resamples a stack along its slices, linearly.

    Args:
        array: `(column, row, slice)`.
        planes: sequence of `Plane`, in order.

    Returns:
        float32 array; list of two `Plane` or more at even distances, whose first and
        last place are the given ones' up to one step; the distance in mm.
    """
    heights = np.array([plane.position @ normal_of(planes[0]) for plane in planes])
    step = float(np.diff(heights).min())
    count = int(np.floor((heights[-1] - heights[0]) / step + 1e-3)) + 1
    wanted = heights[0] + step * np.arange(count)
    upper = np.clip(np.searchsorted(heights, wanted), 1, len(heights) - 1)
    share = (wanted - heights[upper - 1]) / (heights[upper] - heights[upper - 1])
    result = np.empty((*array.shape[:2], count), np.float32, order="F")
    places = []
    for index, (high, part) in enumerate(zip(upper, np.clip(share, 0, 1), strict=True)):
        low = high - 1
        result[:, :, index] = (1 - part) * array[:, :, low] + part * array[:, :, high]
        between = (1 - part) * planes[low].position + part * planes[high].position
        places.append(replace(planes[0], position=between))
    return result, places, step
