"""Coarse and fine grids: interpolation, and the fine voxels of each coarse one."""

from scipy import ndimage

from medzoo.spatial.factor_grid import three_factors


def cubic_b_spline(coarse, factor):
    """Interpolates a volume by cubic B-splines, outer voxel edges aligned.

    Args:
        coarse: `(x, y, z)` float32.
        factor: int or three ints.

    Returns:
        `(x fx, y fy, z fz)` float32; beyond the border the outermost voxel goes on.

    Source:
        Unser, "Splines: A Perfect Fit for Signal and Image Processing" (1999).
    """
    zoom = three_factors(factor)
    return ndimage.zoom(coarse, zoom, order=3, mode="nearest", grid_mode=True)


def fill_coarse(fine, factor):
    """Returns the part of a volume whose voxels fill coarse ones, as `degrade` does."""
    factor = three_factors(factor)
    whole = [n // f * f for n, f in zip(fine.shape, factor, strict=True)]
    return fine[tuple(slice(0, n) for n in whole)]


def fine_by_coarse(fine, factor):
    """Returns the fine voxels of each coarse one as a row.

    Args:
        fine: `(x fx, y fy, z fz, channels)`.
        factor: three ints, `(fx, fy, fz)`.

    Returns:
        `(x y z, fx fy fz channels)`.
    """
    fx, fy, fz = factor
    *sizes, channels = fine.shape
    x, y, z = (n // f for n, f in zip(sizes, factor, strict=True))
    parts = fine.reshape(x, fx, y, fy, z, fz, channels)
    parts = parts.transpose(0, 2, 4, 1, 3, 5, 6)
    return parts.reshape(x * y * z, fx * fy * fz * channels)
