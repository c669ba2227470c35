"""Ridge regression of fine voxels, which super-resolution is compared with."""

import numpy as np

from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.upsampling import fill_coarse, fine_by_coarse
from medzoo.spatial.factor_grid import three_factors
from medzoo.spatial.foreground import foreground_scale
from medzoo.training.ridge import solve_ridge

# Coarse voxels along each axis that the regression sees.
NEIGHBOURHOOD = 5
# Share of the mean variance of a neighbour that is added to each.
PENALTY = 1e-4
# Neighbourhoods whose middle is darker (share of the foreground) teach nothing.
LEAST_LEVEL = 0.05


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
        wanted = (fill_coarse(fine, self.factor) - background) / height
        wanted = fine_by_coarse(wanted[..., None], self.factor)
        lit = features[:, features.shape[1] // 2] > LEAST_LEVEL
        features = features[lit].astype(np.float64)
        self._gram += features.T @ features
        self._moments += features.T @ wanted[lit]
        self._weights = None

    def __call__(self, coarse):
        """Returns the fine volume of a coarse one, float32, in its intensity unit."""
        if self._weights is None:
            weights = solve_ridge(self._gram, self._moments, PENALTY)
            self._weights = weights.astype(np.float32)
        background, height = foreground_scale(coarse)
        found = _neighbourhoods((coarse - background) / height) @ self._weights
        x, y, z = coarse.shape
        fx, fy, fz = self.factor
        found = found.reshape(x, y, z, fx, fy, fz).transpose(0, 3, 1, 4, 2, 5)
        return found.reshape(x * fx, y * fy, z * fz) * height + background


def _neighbourhoods(coarse):
    around = np.pad(coarse, NEIGHBOURHOOD // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (NEIGHBOURHOOD,) * 3)
    return windows.reshape(-1, NEIGHBOURHOOD**3)
