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


def test_maps_are_means_over_blocks_of_both_sides():
    labels = np.zeros((1, 8, 4, 4), int)
    labels[0, :4] = 1
    layer = layers.AnatomyFeatures([[1]], [1], tissues=[[1]], block=4)

    found = keras.ops.convert_to_numpy(layer(one_hot(labels, 2)))

    assert found.shape == (1, 2) == layer.compute_output_shape((1, 8, 4, 4, 2))
    assert found[0, 1] == pytest.approx(0.5)
    mirrored = layer(one_hot(labels[:, ::-1], 2))
    np.testing.assert_allclose(found, mirrored, atol=1e-6)


def test_sides_are_kept_apart_on_request():
    labels = np.zeros((1, 8, 4, 4), int)
    labels[0, :4] = 1
    layer = layers.AnatomyFeatures([], [1], [[1]], block=4, symmetric=False)

    np.testing.assert_allclose(layer(one_hot(labels, 2)), [[1.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": [[5]], "whole": [1]}, "below 2"),
        ({"regions": [[1]], "whole": [1], "tissues": [[1]], "block": 3}, "divide"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.AnatomyFeatures(**arguments)(np.zeros((1, 4, 4, 4, 2), "f4"))


def test_configuration_makes_the_same_layer():
    layer = layers.AnatomyFeatures([[1], [0]], [0, 1], [[1]], block=(2, 4, 2))
    other = layers.AnatomyFeatures.from_config(layer.get_config())
    p = keras.ops.softmax(np.random.default_rng(0).normal(size=(2, 4, 4, 4, 2)))

    np.testing.assert_array_equal(layer(p), other(p))
