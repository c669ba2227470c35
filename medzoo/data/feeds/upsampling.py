"""What super-resolution is measured against: interpolation and a linear regression."""

import numpy as np
from scipy import ndimage

from medzoo.data.feeds.degradation import degrade
from medzoo.spatial.factor_grid import three_factors
from medzoo.spatial.foreground import foreground_scale

# Coarse voxels along each axis that the regression sees.
NEIGHBOURHOOD = 5
# Share of the mean variance of a neighbour that is added to each.
PENALTY = 1e-4
# Neighbourhoods whose middle is darker (share of the foreground) teach nothing.
LEAST_LEVEL = 0.05


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


class RidgeUpsampling:
    """Ridge regression from the 5^3 nearest coarse voxels to the fine ones of one.

    Args:
        factor: int or three ints.
    """

    def __init__(self, factor):
        self.factor = three_factors(factor)
        inputs = NEIGHBOURHOOD**3
        self._gram = np.zeros((inputs, inputs))
        self._moments = np.zeros((inputs, int(np.prod(self.factor))))
        self._weights = None

    def add(self, fine, fwhm=1.0):
        """Adds a volume, `(x, y, z)` float32, to what the regression is fitted to."""
        coarse = degrade(fine, self.factor, fwhm)
        background, height = foreground_scale(coarse)
        features = _neighbourhoods((coarse - background) / height)
        wanted = self._blocks((fill_coarse(fine, self.factor) - background) / height)
        lit = features[:, features.shape[1] // 2] > LEAST_LEVEL
        features = features[lit].astype(np.float64)
        self._gram += features.T @ features
        self._moments += features.T @ wanted[lit]
        self._weights = None

    def __call__(self, coarse):
        """Returns the fine volume of a coarse one, float32, in its intensity unit."""
        if self._weights is None:
            penalty = PENALTY * np.trace(self._gram) / len(self._gram)
            matrix = self._gram + penalty * np.eye(len(self._gram))
            self._weights = np.linalg.solve(matrix, self._moments).astype(np.float32)
        background, height = foreground_scale(coarse)
        found = _neighbourhoods((coarse - background) / height) @ self._weights
        x, y, z = coarse.shape
        fx, fy, fz = self.factor
        found = found.reshape(x, y, z, fx, fy, fz).transpose(0, 3, 1, 4, 2, 5)
        return found.reshape(x * fx, y * fy, z * fz) * height + background

    def _blocks(self, fine):
        """Returns the fine voxels of each coarse one, `(coarse voxels, fx fy fz)`."""
        fx, fy, fz = self.factor
        x, y, z = (n // f for n, f in zip(fine.shape, self.factor, strict=True))
        parts = fine.reshape(x, fx, y, fy, z, fz).transpose(0, 2, 4, 1, 3, 5)
        return parts.reshape(x * y * z, fx * fy * fz)


def fill_coarse(fine, factor):
    """Returns the part of a volume whose voxels fill coarse ones, as `degrade` does."""
    factor = three_factors(factor)
    whole = [n // f * f for n, f in zip(fine.shape, factor, strict=True)]
    return fine[tuple(slice(0, n) for n in whole)]


def _neighbourhoods(coarse):
    around = np.pad(coarse, NEIGHBOURHOOD // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (NEIGHBOURHOOD,) * 3)
    return windows.reshape(-1, NEIGHBOURHOOD**3)
