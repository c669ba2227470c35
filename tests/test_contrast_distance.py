"""Distances of contrasts in closed form."""

import numpy as np

from medzoo.contrast_distance import scanner_distances, zone_means


def test_a_zone_has_the_mean_of_each_of_its_channels():
    volumes = np.zeros((2, 2, 4, 4, 2), "f4")
    volumes[0, :, :2, 2:, 1] = 3.0
    volumes[1, 0, 2:, :2, 0] = 1.0

    means = zone_means(volumes)

    # Zones first, in order of the axes, then channels.
    np.testing.assert_array_equal(means[0], [0, 0, 0, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(means[1], [0, 0, 0, 0, 0.5, 0, 0, 0])
    assert means.dtype == np.float64


def test_there_is_a_distance_from_each_scanner_in_use():
    means = np.array([[0.0, 0.0], [10.0, 0.0], [3.0, 4.0]])
    whitening = np.diag([1.0, 0.5])
    features = np.array([[3.0, 4.0], [10.0, 2.0]])

    found = scanner_distances(features, means, whitening, np.array([1, 1, 0]))

    squares = [[(9 + 4) / 2, (49 + 4) / 2], [(100 + 1) / 2, 1 / 2]]
    np.testing.assert_allclose(found, np.sqrt(squares))
