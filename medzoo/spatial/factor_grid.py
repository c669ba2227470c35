"""Grids whose voxels are a whole number of times larger or smaller, edges aligned."""

import numpy as np

from medzoo.errors import InputError


def coarser_affine(affine, factor):
    """Returns the affine of voxels `factor` times as large.

    Args:
        affine: `(4, 4)`, voxel index -> world millimetres.
        factor: int or three ints.

    Returns:
        `(4, 4)` float64; the outer edges of the first voxel stay where they are.
    """
    factor = np.asarray(three_factors(factor), float)
    to_fine = np.diag([*factor, 1.0])
    to_fine[:3, 3] = (factor - 1) / 2
    return np.asarray(affine, float) @ to_fine


def finer_affine(affine, factor):
    """Returns the affine of voxels `factor` times as small; see `coarser_affine`."""
    factor = np.asarray(three_factors(factor), float)
    to_coarse = np.diag([*(1 / factor), 1.0])
    to_coarse[:3, 3] = -(factor - 1) / (2 * factor)
    return np.asarray(affine, float) @ to_coarse


def three_factors(factor):
    """Returns a factor as three ints.

    Raises:
        InputError: if it is not one or three positive whole numbers.
    """
    factors = [factor] * 3 if np.ndim(factor) == 0 else list(factor)
    whole = all(isinstance(f, int | np.integer) and f >= 1 for f in factors)
    if len(factors) != 3 or not whole:
        raise InputError(
            "A factor must be one or three positive whole numbers. "
            f"Received: factor={factor!r}."
        )
    return tuple(int(f) for f in factors)


def factor_of(recipe):
    """Returns the upsampling factor along each axis of a recipe's network, three ints.

    Args:
        recipe: dict, the recipe's content.
    """
    # The network's own default where the recipe gives none.
    return three_factors(
        recipe["architecture"]["arguments"].get("upsampling_factor", 2)
    )
