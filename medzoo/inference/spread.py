"""What the spread of answers to slightly different inputs is made with."""

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
    for axis, step in enumerate(shift):
        if step:
            places = np.arange(array.shape[axis]) - step
            places = np.clip(places, 0, array.shape[axis] - 1)
            array = np.take(array, places, axis)
    return array


def spread_scale(recipe):
    """Returns what the spread of images is multiplied by to be their usual error."""
    return (step_arguments(recipe, "spread") or {}).get("scale", 1.0)
