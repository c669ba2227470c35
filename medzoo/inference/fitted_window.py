"""A window fitted to a volume: the fewest voxels that memory allows."""

from itertools import product
from math import prod

from medzoo.inference.sliding_window import window_starts

# What the strides of a network divide: a window of another size is padded up to it.
MULTIPLE = 16
# How much shorter than what was asked for a window may be along an axis: what it sees
# at least.
LEAST_SHARE = 2 / 3


def fitted_window(shape, window, overlap, most_voxels):
    """Returns the window that covers a volume with the fewest voxels.

    The whole volume at once where that may be: nothing overlaps then, and each voxel
    has all that there is around it. Else axes are divided so that little is computed
    twice: a volume a little longer than two windows would take three of them.

    Args:
        shape: three ints, of the volume.
        window: three ints, what the recipe asks for.
        overlap: float, least share that neighbours have in common.
        most_voxels: int, what a window may hold.

    Returns:
        list of three ints: multiples of 16, at least two thirds of what is asked for or
        all of the axis; of equals the largest, which sees most. Where none is within
        `most_voxels`, what was asked for.
    """
    lengths = [
        range(
            min(multiple(LEAST_SHARE * wanted), multiple(size)),
            multiple(size) + 1,
            MULTIPLE,
        )
        for size, wanted in zip(shape, window, strict=True)
    ]
    allowed = [one for one in product(*lengths) if prod(one) <= most_voxels]
    if not allowed:
        return within(window, shape)
    best = min(
        allowed, key=lambda one: (computed_voxels(shape, one, overlap), -prod(one))
    )
    return list(best)


def computed_voxels(shape, window, overlap):
    """Returns how many voxels a network computes for a volume, an int.

    Args:
        shape: three ints, of the volume; a window may be longer.
        window: three ints.
        overlap: float, least share that neighbours have in common.
    """
    return prod(
        length * len(window_starts(max(size, length), length, overlap))
        for size, length in zip(shape, window, strict=True)
    )


def within(window, shape):
    """Returns a window that is no longer than a padded volume, a list of three ints."""
    return [min(w, multiple(n)) for w, n in zip(window, shape, strict=True)]


def multiple(size):
    """Returns the least multiple of 16 that is not below a size."""
    return int(-(-size // MULTIPLE) * MULTIPLE)
