"""Distances of contrasts in closed form."""

import numpy as np

from medzoo.contrast_distance import distance_from_nearest, zone_means


def test_a_zone_has_the_mean_of_each_of_its_channels():
    volumes = np.zeros((2, 2, 4, 4, 2), "f4")
    volumes[0, :, :2, 2:, 1] = 3.0
    volumes[1, 0, 2:, :2, 0] = 1.0

    means = zone_means(volumes)

    # Zones first, in order of the axes, then channels.
    np.testing.assert_array_equal(means[0], [0, 0, 0, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(means[1], [0, 0, 0, 0, 0.5, 0, 0, 0])
    assert means.dtype == np.float64


def test_the_distance_is_that_from_the_nearest_scanner_in_use():
    means = np.array([[0.0, 0.0], [10.0, 0.0], [3.0, 4.0]])
    whitening = np.diag([1.0, 0.5])
    features = np.array([[3.0, 4.0], [10.0, 2.0]])

    found = distance_from_nearest(features, means, whitening, np.array([1, 1, 0]))

    np.testing.assert_allclose(found, [np.sqrt((9 + 4) / 2), np.sqrt(1 / 2)])


def test_without_scanners_everything_is_infinitely_far():
    found = distance_from_nearest(
        np.ones((2, 2)), np.zeros((3, 2)), np.eye(2), np.zeros(3)
    )
    assert np.isinf(found).all()
