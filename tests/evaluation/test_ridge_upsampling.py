"""Ridge regression: what super-resolution is compared with."""

import numpy as np
from scipy import ndimage

from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.upsampling import cubic_b_spline
from medzoo.evaluation.ridge_upsampling import RidgeUpsampling


def blobs(seed):
    noise = np.random.default_rng(seed).normal(size=(24, 24, 24))
    smooth = ndimage.gaussian_filter(noise, 1.5)
    return (1000 * np.maximum(smooth / smooth.std() + 0.5, 0)).astype("f4")


def test_the_regression_comes_closer_and_follows_the_intensity_unit():
    fine = blobs(1)
    ridge = RidgeUpsampling((1, 1, 2))
    for seed in range(2):
        ridge.add(blobs(seed))
    coarse = degrade(fine, (1, 1, 2))

    found = ridge(coarse)

    interpolated = cubic_b_spline(coarse, (1, 1, 2))
    assert np.std(found - fine) < 0.7 * np.std(interpolated - fine)
    np.testing.assert_allclose(ridge(3 * coarse + 150), 3 * found + 150, atol=1)
