"""A window fitted to a volume: the fewest voxels that memory allows."""

from itertools import product
from math import prod

from medzoo.inference.sliding_window import window_starts

# What the strides of a network divide: a window of another size is padded up to it.
MULTIPLE = 16
# How much shorter than what was asked for a window may be along an axis: what it sees
# at least.
LEAST_SHARE = 2 / 3
# How much longer where nothing is said of memory.
MOST_SHARE = 4 / 3


def fitted_window(shape, window, overlap, most_voxels=None):
    """Returns the window that covers a volume with the fewest voxels.

    An axis a little longer than two windows would take three, which overlap more than
    they need: a longer window, two of which will do, or a shorter one costs less. The
    whole volume at once costs least: then nothing overlaps.

    Args:
        shape: three ints, of the volume.
        window: three ints, what the recipe asks for.
        overlap: float, least share that neighbours have in common.
        most_voxels: int, what a window may hold, up to the whole volume; None for
            windows at most a third longer than what is asked for.

    Returns:
        list of three ints: multiples of 16, at least two thirds of what is asked for or
        all of the axis; of equals the largest, which sees most. Where there is none,
        what was asked for.
    """
    lengths = [
        _lengths(size, wanted, MOST_SHARE if most_voxels is None else None)
        for size, wanted in zip(shape, window, strict=True)
    ]
    allowed = list(product(*lengths))
    if most_voxels is not None:
        allowed = [one for one in allowed if prod(one) <= most_voxels]
    if not allowed:
        return within(window, shape)
    best = min(
        allowed, key=lambda one: (computed_voxels(shape, one, overlap), -prod(one))
    )
    return list(best)


def _lengths(size, wanted, most_share):
    """Lengths of windows along an axis, ascending."""
    least = min(multiple(LEAST_SHARE * wanted), multiple(size))
    most = multiple(size)
    if most_share is not None:
        most = max(least, min(most, int(most_share * wanted)))
    return range(least, most + 1, MULTIPLE)


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
