"""Resizing3D: where new voxels lie, and what they are worth."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import layers
from medzoo.spatial.resample import resample
from medzoo.volume import Volume

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (2, 5, 6, 7, 2)).astype("f4")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def along_x(values, layer):
    x = np.asarray(values, "f4").reshape(1, -1, 1, 1, 1)
    return numpy_of(layer(x))[0, :, 0, 0, 0]


def test_doubling_lies_a_quarter_from_old_centres():
    found = along_x([0, 4, 8], layers.Resizing3D((6, 1, 1)))

    np.testing.assert_allclose(found, [0, 1, 3, 5, 7, 8], atol=1e-5)


def test_halving_without_smoothing_is_the_mean_of_two():
    found = along_x([0, 4, 8, 6], layers.Resizing3D((2, 1, 1), antialias=False))

    np.testing.assert_allclose(found, [2, 7], atol=1e-5)


@pytest.mark.parametrize("size", [(5, 6, 7), (9, 3, 11), (1, 1, 1), (10, 2, 7)])
def test_agrees_with_keras_slice_by_slice(size):
    layer = layers.Resizing3D(size, antialias=False)

    found = numpy_of(layer(X))

    # Two passes in two dimensions: x and y, then z with a free companion.
    planes = np.moveaxis(X, 3, 1).reshape(-1, 5, 6, 2)
    planes = numpy_of(keras.ops.image.resize(planes, size[:2], "bilinear"))
    expected = np.moveaxis(planes.reshape(2, 7, *size[:2], 2), 1, 3)
    lines = expected.reshape(-1, size[1], 7, 2)
    lines = numpy_of(keras.ops.image.resize(lines, (size[1], size[2]), "bilinear"))
    np.testing.assert_allclose(found, lines.reshape(2, *size, 2), atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.4, (0.8, 1.0, 0.25), 1.7])
def test_factor_agrees_with_resampling_of_volumes(factor):
    x = RNG.normal(size=(24, 30, 28)).astype("f4")
    spacing = 1 / np.broadcast_to(factor, 3)
    expected = resample(Volume(x, np.eye(4)), spacing).array

    found = numpy_of(layers.Resizing3D(factor=factor)(x[..., None]))[..., 0]

    assert found.shape == expected.shape
    # Other borders, and a recursive filter for the Gaussian.
    inner = tuple(slice(n // 4, -(n // 4)) for n in found.shape)
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.02)
    assert found[inner].std() > 0.1


def test_smoothing_removes_what_the_new_voxels_cannot_hold():
    stripes = np.where(np.arange(64) % 2, 1.0, -1.0)
    # Two of three voxels fall where the stripes would show.
    layer = {"size": (24, 1, 1)}

    assert (
        np.abs(along_x(stripes, layers.Resizing3D(**layer, antialias=False))).max()
        > 0.3
    )
    assert np.abs(along_x(stripes, layers.Resizing3D(**layer))[4:-4]).max() < 0.03


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [3, (9, 4, 30)])
def test_constant_stays_constant(size, antialias):
    found = layers.Resizing3D(size, antialias=antialias)(np.full_like(X, 7.5))

    np.testing.assert_allclose(found, 7.5, rtol=1e-5)


@pytest.mark.parametrize("arguments", [{"size": (5, 6, 7)}, {"factor": 1}])
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_the_same_size_is_the_identity(arguments, interpolation):
    layer = layers.Resizing3D(**arguments, interpolation=interpolation)

    np.testing.assert_array_equal(layer(X), X)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (6, [1, 1, 5, 5, 3, 3]),
        (9, [1, 1, 1, 5, 5, 5, 3, 3, 3]),
        (1, [5]),
        (2, [1, 3]),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "bool"])
def test_label_maps_take_the_nearest_voxel(size, expected, dtype):
    labels = np.array([1, 5, 3], dtype).reshape(1, 3, 1, 1, 1)
    data = {"images": labels, "segmentation_masks": labels, "weights": labels}

    found = layers.Resizing3D((size, 1, 1))(data)

    for key in ("segmentation_masks", "weights"):
        value = numpy_of(found[key])
        assert value.dtype == labels.dtype
        np.testing.assert_array_equal(value[0, :, 0, 0, 0], np.array(expected, dtype))


def test_half_way_goes_up_however_rounded():
    labels = np.arange(20).reshape(1, 20, 1, 1, 1)
    data = {"images": labels, "segmentation_masks": labels}

    found = numpy_of(layers.Resizing3D((30, 1, 1))(data)["segmentation_masks"]).ravel()

    np.testing.assert_array_equal(found, (2 * np.arange(30) + 1) * 20 // 60)


def test_label_map_as_its_own_image_under_nearest():
    labels = RNG.integers(0, 5, (2, 5, 6, 7, 1))
    layer = layers.Resizing3D((7, 4, 13), interpolation="nearest")

    found = layer({"images": labels, "segmentation_masks": labels})

    np.testing.assert_array_equal(found["images"], found["segmentation_masks"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"size": (3, 4, 5)}, (3, 4, 5)),
        ({"factor": (2, 0.5, 0.01)}, (None, 3, 1)),
    ],
)
def test_symbolic_shapes(arguments, expected):
    layer = layers.Resizing3D(**arguments)

    outputs = layer(keras.Input((None, 6, 7, 2)))

    assert outputs.shape == (None, *expected, 2)


@pytest.mark.parametrize("arguments", [{"size": (3, 8, 7)}, {"factor": (0.5, 1.5, 1)}])
def test_sizes_that_are_not_static(arguments):
    layer = layers.Resizing3D(**arguments)
    data = {"images": X[0], "segmentation_masks": X[0].astype("i4")}
    spec = {
        key: tf.TensorSpec((None, None, None, 2), value.dtype)
        for key, value in data.items()
    }
    cases = tf.data.Dataset.from_generator(lambda: [data], output_signature=spec)

    found = next(iter(cases.map(layer)))

    for key, value in layer(data).items():
        np.testing.assert_allclose(found[key], value, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({}, "size=None, factor=None"),
        ({"size": 3, "factor": 2}, "size=3, factor=2"),
        ({"size": 0}, "size=0"),
        ({"factor": 0}, "factor=0"),
        ({"factor": (1, 2)}, "factor="),
        ({"size": 3, "interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_refuses_arguments(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        layers.Resizing3D(**arguments)
