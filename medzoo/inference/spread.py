"""What the spread of answers to slightly different inputs is made with."""

from scipy import ndimage

from medzoo.inference.postprocess import step_arguments

# Voxels of the network's grid: where a head lies in it by chance.
SHIFTS = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))


def shifted(array, shift):
    """Returns a volume moved by whole voxels; the border's voxels are repeated.

    Args:
        array: `(x, y, z, channels)`.
        shift: three ints.
    """
    return ndimage.shift(array, (*shift, 0), order=0, mode="nearest")


def spread_scale(recipe):
    """Returns what the spread of images is multiplied by to be their usual error."""
    return (step_arguments(recipe, "spread") or {}).get("scale", 1.0)
