"""Cubic B-splines and the ridge regression: what super-resolution is compared with."""

import numpy as np
from scipy import ndimage

from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.upsampling import RidgeUpsampling, cubic_b_spline


def blobs(seed, shape=(21, 22, 20)):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    return (1000 * np.maximum(smooth / smooth.std() + 0.5, 0)).astype("f4")


def test_cubic_b_splines_keep_edges_and_ramps():
    ramp = np.arange(12.0)[:, None, None] + np.zeros((12, 5, 4))

    fine = cubic_b_spline(ramp, (4, 1, 2))

    assert fine.shape == (48, 5, 8)
    expected = (np.arange(48) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(fine[16:-16, 2, 3], expected[16:-16], atol=2e-3)


def test_the_regression_comes_closer_and_follows_the_intensity_unit():
    fine = blobs(1, (24, 24, 24))
    ridge = RidgeUpsampling((1, 1, 2))
    for seed in range(2):
        ridge.add(blobs(seed, (24, 24, 24)))
    coarse = degrade(fine, (1, 1, 2))

    found = ridge(coarse)

    interpolated = cubic_b_spline(coarse, (1, 1, 2))
    assert np.std(found - fine) < 0.7 * np.std(interpolated - fine)
    np.testing.assert_allclose(ridge(3 * coarse + 150), 3 * found + 150, atol=1)
