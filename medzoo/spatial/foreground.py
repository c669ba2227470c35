"""Foreground intensity of an image, for reversible scaling."""

import numpy as np

# Per cent of voxels below the background level: robust against single dark voxels.
BACKGROUND_PERCENTILE = 0.5


def foreground_scale(array):
    """Returns the background level of an image and how far its object lies above.

    The background is the 0.5th percentile; the height is that of the mean over voxels
    brighter than the mean of all. Neither changes much with resolution or with the
    share of air around a head. `(array - background) / height` is undone exactly by
    `x * height + background`.

    Args:
        array: array of numbers, any shape.

    Returns:
        background and height, floats in the unit of `array`; the height is 1 where the
        image is constant.
    """
    array = np.asarray(array, np.float32)
    background = float(np.percentile(array, BACKGROUND_PERCENTILE))
    bright = array[array > array.mean()]
    height = float(bright.mean(dtype=np.float64)) - background if bright.size else 0.0
    return background, height if height > 0 else 1.0
