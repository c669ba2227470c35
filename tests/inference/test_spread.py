"""Shifts of whole voxels, and the entropy of probabilities."""

import numpy as np

from medzoo.inference.spread import entropy_of, shifted


def test_shifted_moves_by_whole_voxels():
    array = np.random.default_rng(0).normal(size=(4, 5, 3, 2))
    moved = shifted(array, (1, 0, -1))
    np.testing.assert_array_equal(moved[1:, :, :-1], array[:-1, :, 1:])
    np.testing.assert_array_equal(moved[0, :, :-1], array[0, :, 1:])


def test_entropy_is_a_share_of_the_largest():
    np.testing.assert_allclose(
        entropy_of(np.array([[0.5, 0.5], [1.0, 0.0]])), [1, 0], atol=1e-6
    )
