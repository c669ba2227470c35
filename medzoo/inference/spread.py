"""How far predictions for slightly different inputs differ."""

import numpy as np

from medzoo.inference.postprocess import step_arguments

# Voxels of the network's grid: where a head lies in it by chance.
SHIFTS = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))


def shifted(array, shift):
    """Returns a volume moved by whole voxels; the border's voxels are repeated.

    Args:
        array: `(x, y, z, channels)`.
        shift: three ints.
    """
    from scipy import ndimage

    return ndimage.shift(array, (*shift, 0), order=0, mode="nearest")


def spread_scale(recipe):
    """Returns what the spread of images is multiplied by to be their usual error."""
    return (step_arguments(recipe, "spread") or {}).get("scale", 1.0)


def spread_when_shifted(function, array):
    """Applies a function to an image and to it moved by a voxel along each axis.

    Args:
        function: callable, `(x, y, z, channel)` array -> array of the same shape.
        array: `(x, y, z, channel)`.

    Returns:
        the result for the image as it is, and the standard deviation over all
        results, moved back; both of the shape of `array`.
    """
    plain = np.asarray(function(array), np.float64)
    mean, square, count = plain, np.square(plain), 1 + len(SHIFTS)
    for shift in SHIFTS:
        found = np.asarray(function(shifted(array, shift)), np.float64)
        found = shifted(found, tuple(-step for step in shift))
        mean, square = mean + found, square + np.square(found)
    variance = square / count - np.square(mean / count)
    return plain, np.sqrt(np.maximum(variance, 0.0))


def entropy_of(probabilities):
    """Returns the entropy of probabilities, from 0 (certain) to 1 (all classes alike).

    Args:
        probabilities: `(..., classes)`.
    """
    from scipy.special import entr

    return entr(probabilities).sum(axis=-1) / np.log(probabilities.shape[-1])
