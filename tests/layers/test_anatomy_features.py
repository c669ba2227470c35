"""AnatomyFeatures: volumes and local shares, worked out by hand."""

import keras
import numpy as np
import pytest

from medzoo import layers
from medzoo.layers.anatomy_features import LEAST_VOXELS


def one_hot(labels, classes):
    return np.eye(classes, dtype="f4")[labels]


def test_volumes_are_logarithms_relative_to_the_whole():
    labels = np.zeros((1, 4, 4, 4), int)
    labels[:, :2] = 1
    labels[:, 2, :2] = 2
    layer = layers.AnatomyFeatures(regions=[[1], [2], [1, 2]], whole=[1, 2])

    found = keras.ops.convert_to_numpy(layer(one_hot(labels, 3)))

    whole = np.log(40 + LEAST_VOXELS)
    expected = [np.log(n + LEAST_VOXELS) - whole for n in (32, 8, 40)]
    np.testing.assert_allclose(found, [expected], atol=1e-6)


MAPS = {"low": [0, -4, -4], "high": [4, 4, 4], "block": 4}


def places(side=8, origin=(-3.5, -3.5, -3.5), mm=1.0):
    """Coordinates of a cube of voxels, mm, the first a distance from the midline."""
    axes = np.meshgrid(*(o + mm * np.arange(side) for o in origin), indexing="ij")
    found = np.stack(axes, -1).astype("f4")
    found[..., 0] = np.abs(found[..., 0])
    return found[None]


def test_maps_are_means_over_blocks_of_both_sides():
    labels = np.zeros((1, 8, 8, 8), int)
    # The right half of the lower front block.
    labels[0, :4, :4, :4] = 1
    layer = layers.AnatomyFeatures([[1]], [1], [[1]], MAPS, unit=1.0)

    inputs = [one_hot(labels, 2), places()]
    found = keras.ops.convert_to_numpy(layer(inputs))

    assert found.shape == (1, 5)
    assert layer.compute_output_shape([(1, 8, 8, 8, 2), (1, 8, 8, 8, 3)]) == (1, 5)
    np.testing.assert_allclose(found[0, 1:], [0.5, 0, 0, 0], atol=1e-6)
    mirrored = layer([one_hot(labels[:, ::-1], 2), places()])
    np.testing.assert_allclose(found, mirrored, atol=1e-6)


def test_shares_do_not_depend_on_where_the_grid_lies_or_how_fine_it_is():
    labels = np.zeros((1, 8, 8, 8), int)
    labels[0, :, 2:4] = 1
    fine = labels.repeat(2, 1).repeat(2, 2).repeat(2, 3)
    layer = layers.AnatomyFeatures([], [1], [[1]], MAPS, unit=1.0)
    given = [
        (labels, places()),
        (np.roll(labels, 2, axis=2), places(origin=(-3.5, -5.5, -3.5))),
        (fine, places(16, origin=(-3.75, -3.75, -3.75), mm=0.5)),
    ]

    for where, coordinates in given:
        found = layer([one_hot(where, 2), coordinates])
        np.testing.assert_allclose(found, [[0.5, 0.5, 0, 0]], atol=1e-6)


def test_a_block_outside_of_the_volume_is_empty():
    labels = np.ones((1, 4, 4, 4), int)
    layer = layers.AnatomyFeatures([], [1], [[1]], MAPS, unit=1.0)

    found = layer([one_hot(labels, 2), places(4, origin=(0.5, 0.5, 0.5))])

    np.testing.assert_allclose(found, [[0, 0, 0, 0.5]], atol=1e-6)


def test_size_is_the_logarithm_of_the_whole():
    labels = np.ones((1, 4, 4, 4), int)
    layer = layers.AnatomyFeatures([[1]], [1], size=True)

    found = layer(one_hot(labels, 2))

    np.testing.assert_allclose(found, [[0, np.log(64 + LEAST_VOXELS)]], atol=1e-6)


@pytest.mark.parametrize("maps", [None, {"low": [0, 0, 0]}, {**MAPS, "block": 3}])
def test_refuses_maps_that_are_no_boxes(maps):
    with pytest.raises(ValueError, match="Received: maps="):
        layers.AnatomyFeatures([[1]], [1], [[1]], maps)


def test_refuses_classes_that_there_are_not():
    with pytest.raises(ValueError, match="below 2"):
        layers.AnatomyFeatures([[5]], [1])(np.zeros((1, 4, 4, 4, 2), "f4"))


def test_refuses_maps_without_coordinates():
    layer = layers.AnatomyFeatures([[1]], [1], [[1]], MAPS)
    with pytest.raises(ValueError, match="coordinates"):
        layer(np.zeros((1, 8, 8, 8, 2), "f4"))


def test_configuration_makes_the_same_layer():
    layer = layers.AnatomyFeatures([[1], [0]], [0, 1], [[1]], MAPS, True, 1.0)
    other = layers.AnatomyFeatures.from_config(layer.get_config())
    noise = np.random.default_rng(0).normal(size=(2, 8, 8, 8, 2))
    inputs = [keras.ops.softmax(noise), np.repeat(places(), 2, 0)]

    np.testing.assert_array_equal(layer(inputs), other(inputs))
