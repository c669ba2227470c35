"""Coarse volumes out of fine ones: slice-profile blur, then decimation."""

from math import prod

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.factor_grid import coarser_affine, three_factors
from medzoo.volume import Volume

# Full width at half maximum of a Gaussian over its standard deviation.
FWHM_OVER_SIGMA = 2 * np.sqrt(2 * np.log(2))
# Deviations after which the profile is cut off; what is left out is 6e-7.
TRUNCATION = 5.0


def degrade(array, factor, fwhm=1.0):
    """Simulates acquisition with larger voxels.

    Along each axis a coarse voxel is the mean of the fine ones under a Gaussian slice
    profile: with `f` the factor and `i` the index of a fine voxel, coarse voxel `j`
    weighs it by `exp(-(i - c)^2 / (2 s^2))` about its own centre
    `c = f j + (f - 1) / 2`, with `s = fwhm f / (2 sqrt(2 ln 2))`; the weights sum to 1.
    So the outer edges of coarse and fine voxels coincide, and where `f` is even the
    centre lies between two fine voxels. Beyond the border the outermost voxel goes on.

    Args:
        array: `(x, y, z)` or `(x, y, z, channels)`.
        factor: int or three ints, fine voxels along each axis of a coarse one.
        fwhm: float or three floats, full width at half maximum of the profile in
            coarse voxels. Defaults to 1.

    Returns:
        `(x // fx, y // fy, z // fz, ...)` float32; fine voxels at the end of an axis
        that do not fill a coarse one are left out.

    Raises:
        InputError: if the factor is no positive int, the width not positive, or an axis
            shorter than the factor.

    Source:
        Greenspan, "Super-Resolution in Medical Imaging" (2009), section 2.1, for the
        Gaussian slice profile.
    """
    array = np.asarray(array, np.float32)
    factor = three_factors(factor)
    widths = np.broadcast_to(np.asarray(fwhm, float), 3)
    for axis in range(3):
        matrix = profile_matrix(array.shape[axis], factor[axis], widths[axis])
        array = _along(matrix, array, axis)
    return array


def degrade_volume(volume, factor, fwhm=1.0):
    """Degrades a Volume; see `degrade`.

    Args:
        volume: Volume.
        factor: int or three ints.
        fwhm: float or three floats, in coarse voxels.

    Returns:
        Volume, float32, with spacing times factor and the outer voxel edges of the
        first fine voxels.
    """
    array = degrade(volume.array, factor, fwhm)
    return Volume(array, coarser_affine(volume.affine, factor))


def profile_matrix(size, factor, fwhm):
    """Returns the weights of fine voxels in coarse ones along an axis.

    Args:
        size: int, fine voxels.
        factor: int.
        fwhm: float, in coarse voxels.

    Returns:
        `(size // factor, size)` float32, its rows sum to 1.

    Raises:
        InputError: as `degrade`.
    """
    if not (np.isfinite(fwhm) and fwhm > 0) or size < factor:
        raise InputError(
            "A slice profile has a positive width, and a volume at least one coarse "
            f"voxel. Received: fwhm={fwhm}, factor={factor}, size={size}."
        )
    sigma = fwhm * factor / FWHM_OVER_SIGMA
    reach = int(np.ceil(TRUNCATION * sigma + factor / 2))
    index = np.arange(-reach, size + reach)
    centre = factor * np.arange(size // factor)[:, None] + (factor - 1) / 2
    distance = np.abs(index - centre) / sigma
    # Relative to the nearest voxel: the narrowest profile does not underflow to 0 / 0.
    weights = np.exp(-0.5 * (distance**2 - distance.min(1, keepdims=True) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    # Beyond the border lies the outermost voxel again.
    matrix = weights[:, reach : reach + size].copy()
    matrix[:, 0] += weights[:, :reach].sum(axis=1)
    matrix[:, -1] += weights[:, reach + size :].sum(axis=1)
    return matrix.astype(np.float32)


def _along(matrix, array, axis):
    """Multiplies one axis by a matrix, without a copy in another order of axes."""
    before, size, after = array.shape[:axis], array.shape[axis], array.shape[axis + 1 :]
    columns = prod(after)
    if columns == 1:
        found = array.reshape(-1, size) @ matrix.T
    else:
        found = np.matmul(matrix, array.reshape(-1, size, columns))
    return found.reshape(*before, len(matrix), *after)
