"""Cubic B-splines: what super-resolution is compared with."""

import numpy as np

from medzoo.data.feeds.upsampling import cubic_b_spline


def test_cubic_b_splines_keep_edges_and_ramps():
    ramp = np.arange(12.0)[:, None, None] + np.zeros((12, 5, 4))

    fine = cubic_b_spline(ramp, (4, 1, 2))

    assert fine.shape == (48, 5, 8)
    expected = (np.arange(48) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(fine[16:-16, 2, 3], expected[16:-16], atol=2e-3)
