"""Laws that the layers of label maps share; a phantom of labels."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import layers
from tests.layers.test_volume_layers import SYNTHESIS, make


def label_map(count=2, size=20):
    """Boxes within boxes: air, skull, fluid, cortex, white matter, ventricle."""
    x = np.zeros((count, size, size, size, 1), "i4")
    for depth, code in enumerate((506, 24, 3, 2), start=1):
        inner = slice(depth, size - depth)
        x[:, inner, inner, inner] = code
    x[:, size // 2 : size - 4, 4:-4, 4:-4] = 41
    centre = slice(size // 2 - 2, size // 2 + 2)
    x[:, centre, centre, centre] = 4
    return x


@pytest.mark.parametrize("name", SYNTHESIS)
def test_config_round_trip(name):
    layer, data = make(name), {"segmentation_masks": label_map()}
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert copy.get_config() == layer.get_config()
    config = json.loads(json.dumps(copy.get_config()))
    assert {key: config[key] for key in SYNTHESIS[name]} == SYNTHESIS[name]
    found = copy(data, training=True)
    for key, value in layer(data, training=True).items():
        np.testing.assert_array_equal(found[key], value)


def test_configurations_hold_plain_numbers_when_arrays_are_given():
    for layer in (
        layers.LabelToImage(
            np.array([0, 2]), generation_classes=np.array([0, 1]), axes="IS"
        ),
        layers.RandomLesions(
            tissue=np.array([2]), contrast=np.ones((1, 2)), spacing=np.ones(3)
        ),
        layers.HistogramStandardize(
            np.linspace(0, 1, 3, dtype="f4"), np.array([1, 50, 99])
        ),
    ):
        config = json.loads(json.dumps(layer.get_config()))
        copy = type(layer).from_config(config)
        assert json.loads(json.dumps(copy.get_config())) == config


@pytest.mark.parametrize("name", SYNTHESIS)
def test_seeds_fix_the_sequence_of_draws(name):
    data = {"segmentation_masks": label_map()}
    key = "images" if name == "LabelToImage" else "segmentation_masks"
    one, other = make(name), make(name)

    first, second = (np.array(one(data, training=True)[key]) for _ in range(2))

    np.testing.assert_array_equal(other(data, training=True)[key], first)
    np.testing.assert_array_equal(other(data, training=True)[key], second)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("name", SYNTHESIS)
def test_in_tf_data_one_by_one_and_in_batches(name):
    x = label_map(2)
    eager, batched, single = make(name), make(name), make(name)
    maps = tf.data.Dataset.from_tensor_slices({"segmentation_masks": x})

    found = next(iter(maps.batch(2).map(lambda d: batched(d, training=True))))
    one = next(iter(maps.map(lambda d: single(d, training=True))))

    expected = eager({"segmentation_masks": x}, training=True)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-4)
        assert one[key].shape == value.shape[1:]
    alone = make(name)({"segmentation_masks": x[:1]}, training=True)
    for key, value in alone.items():
        np.testing.assert_allclose(one[key], value[0], atol=1e-4)


@pytest.mark.parametrize("name", SYNTHESIS)
def test_sizes_need_not_be_known(name):
    x = label_map(1)
    layer = make(name)
    function = tf.function(
        lambda m: layer({"segmentation_masks": m}, training=True),
        input_signature=[tf.TensorSpec((None, None, None, None, 1), "int32")],
    )

    found = function(x)

    for key, value in make(name)({"segmentation_masks": x}, training=True).items():
        np.testing.assert_allclose(found[key], value, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("BalancedCrop3D", {"patch_size": 8, "num_classes": 5}),
        ("CropOrPad3D", {"size": (16, 20, 24)}),
        ("RandomAffine3D", {"rotation": 30}),
        ("RandomCrop3D", {"patch_size": (8, 10, 12)}),
        ("RandomElasticTransform3D", {"displacement": 2}),
        ("RandomFlip3D", {"axes": (0, 1, 2)}),
        ("RandomSpatial3D", {"displacement": 2}),
        ("Resizing3D", {"size": 12}),
    ],
)
def test_layers_of_space_take_a_label_map_alone(name, arguments, training):
    one, other = (getattr(layers, name)(**arguments, seed=3) for _ in range(2))
    maps = {"segmentation_masks": label_map(), "labels": np.arange(2)}
    images = np.random.default_rng(0).random((2, 20, 20, 20, 2)).astype("f4")

    found = one(maps, training=training)
    expected = other({**maps, "images": images}, training=training)

    assert set(found) == set(maps)
    for key, value in found.items():
        np.testing.assert_array_equal(value, expected[key])


def test_layers_of_intensity_need_an_image():
    with pytest.raises(ValueError, match='RandomGamma needs an entry "images"'):
        layers.RandomGamma()({"segmentation_masks": label_map()}, training=True)


def test_works_inside_a_model():
    inputs = keras.Input((20, 20, 20, 1), dtype="int32")
    outputs = make("LabelToImage")(inputs)
    model = keras.Model(inputs, outputs)

    found = model(label_map())

    assert outputs["images"].shape == (None, 20, 20, 20, 2)
    assert outputs["segmentation_masks"].dtype == "int32"
    expected = make("LabelToImage")(label_map())
    np.testing.assert_allclose(found["images"], expected["images"], atol=1e-5)
