"""Crops and pads: what is cut out, and how often."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import layers
from tests.layers.test_volume_layers import CROPS, make

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (2, 5, 6, 7, 2)).astype("f4")
CROPPED = (*CROPS, "CropOrPad3D")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def case(count=4, sizes=(6, 7, 8)):
    """Every voxel knows its index; the label is the plane."""
    index = np.arange(np.prod(sizes)).reshape(1, *sizes, 1) + np.zeros(
        (count, 1, 1, 1, 1)
    )
    labels = np.indices(sizes)[0][None, ..., None] + np.zeros((count, 1, 1, 1, 1))
    return {
        "images": index.astype("f4"),
        "segmentation_masks": labels.astype("u1"),
        "weights": index.astype("f2"),
        "labels": np.arange(count),
    }


@pytest.mark.parametrize(
    ("old", "new", "before"),
    [(5, 5, 0), (4, 7, 1), (5, 7, 1), (7, 4, -1), (6, 4, -1), (1, 2, 0), (2, 1, 0)],
)
def test_crop_or_pad_gives_the_end_the_one_more(old, new, before):
    x = np.arange(1.0, old + 1)
    layer = layers.CropOrPad3D((new, 1, 1), value=-1)

    found = numpy_of(layer(x.reshape(1, old, 1, 1, 1)))[0, :, 0, 0, 0]

    after = new - old - before
    expected = np.pad(x, (max(before, 0), max(after, 0)), constant_values=-1)
    start = max(-before, 0)
    np.testing.assert_array_equal(found, expected[start : start + new])


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_crop_or_pad_modes(mode):
    data = {"images": X, "segmentation_masks": X.astype("i2") + 1, "weights": X + 1}
    layer = layers.CropOrPad3D((8, 6, 4), mode=mode, value=-9)

    found = layer(data)

    for key, value in data.items():
        constant = {"constant_values": -9 if key == "images" else 0}
        expected = np.pad(
            value[:, :, :, 1:5],
            [(0, 0), (1, 2), (0, 0), (0, 0), (0, 0)],
            mode,
            **(constant if mode == "constant" else {}),
        )
        np.testing.assert_array_equal(found[key], expected)
        assert numpy_of(found[key]).dtype == value.dtype


def test_padding_and_cropping_back_is_the_identity():
    padded = layers.CropOrPad3D((8, 9, 11))(X)

    np.testing.assert_array_equal(layers.CropOrPad3D((5, 6, 7))(padded), X)


@pytest.mark.parametrize("name", CROPPED)
def test_symbolic_shapes(name):
    inputs = {
        "images": keras.Input((None, None, None, 2), dtype="uint8"),
        "segmentation_masks": keras.Input((None, None, None, 1), dtype="int16"),
        "labels": keras.Input((3,)),
    }
    layer = make(name)

    outputs = layer(inputs)

    sizes = layer.size if name == "CropOrPad3D" else layer.patch_size
    assert outputs["images"].shape == (None, *sizes, 2)
    assert outputs["images"].dtype == "float32"
    assert outputs["segmentation_masks"].shape == (None, *sizes, 1)
    assert outputs["segmentation_masks"].dtype == "int16"
    assert outputs["labels"].shape == (None, 3)
    assert layer.compute_output_shape((6, 7, 8, 1)) == (*sizes, 1)


@pytest.mark.parametrize("name", CROPPED)
def test_sizes_that_are_not_static(name):
    data = {k: v[0] for k, v in case().items()}
    layer, other = make(name), make(name)
    spec = {
        key: tf.TensorSpec([None] * 3 + [1] if value.ndim else (), value.dtype)
        for key, value in data.items()
    }
    cases = tf.data.Dataset.from_generator(lambda: [data], output_signature=spec)

    mapped = cases.map(lambda d: layer(d, training=True))

    sizes = layer.size if name == "CropOrPad3D" else layer.patch_size
    assert mapped.element_spec["images"].shape == (*sizes, 1)
    expected = other(data, training=True)
    for key, value in next(iter(mapped.batch(1))).items():
        np.testing.assert_array_equal(value[0], expected[key])


@pytest.mark.parametrize("name", CROPS)
def test_config_round_trip(name):
    layer = make(name)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert copy.get_config() == layer.get_config()
    given = CROPS[name]
    assert json.loads(json.dumps({k: copy.get_config()[k] for k in given})) == given
    first = layer(case(), training=True)["images"]
    np.testing.assert_array_equal(copy(case(), training=True)["images"], first)
    # The next draw is another one.
    assert not np.array_equal(layer(case(), training=True)["images"], first)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("name", CROPS)
def test_one_patch_for_image_label_map_and_weights(name, batched):
    data = case()
    layer = make(name, patch_size=(3, 4, 5))
    drawn = layer.get_random_transformation(data, seed=2)
    if not batched:
        data = {key: value[0] for key, value in data.items()}
        drawn = layer.get_random_transformation(data, seed=2)

    found = layer.apply_transformation(data, drawn)

    for row, start in enumerate(numpy_of(drawn["start"])):
        at = tuple(slice(a, a + n) for a, n in zip(start, (3, 4, 5), strict=True))
        for key in ("images", "segmentation_masks", "weights"):
            one, whole = numpy_of(found[key]), data[key]
            if batched:
                one, whole = one[row], whole[row]
            np.testing.assert_array_equal(one, whole[at])
            assert one.dtype == whole.dtype
    np.testing.assert_array_equal(found["labels"], data["labels"])


@pytest.mark.parametrize("name", CROPS)
def test_at_inference_the_patch_is_the_one_in_the_centre(name):
    layer = make(name, patch_size=(2, 9, 5))
    data = {"images": X, "weights": np.abs(X)}

    found = layer(data, training=False)

    padding = [(0, 0), (0, 0), (1, 2), (0, 0), (0, 0)]
    expected = np.pad(X[:, 1:3, :, 1:6], padding, constant_values=-1)
    np.testing.assert_array_equal(found["images"], expected)
    np.testing.assert_array_equal(found["weights"], np.abs(expected) * (expected != -1))


def test_every_position_is_as_likely():
    layer = layers.RandomCrop3D((3, 6, 6), seed=0)
    count = 3000
    x = np.zeros((count, 6, 7, 6, 1), "f4")

    start = numpy_of(layer.get_random_transformation({"images": x})["start"])

    expected = count / 4
    np.testing.assert_allclose(np.bincount(start[:, 0]), expected, rtol=0.12)
    np.testing.assert_allclose(np.bincount(start[:, 1]), count / 2, rtol=0.12)
    assert (start[:, 2] == 0).all()
    assert start.dtype == np.int32


def test_axes_that_are_too_short_are_padded():
    layer = layers.RandomCrop3D((8, 2, 7), value=-5, seed=1)

    found = numpy_of(layer(X, training=True))

    assert (found[:, 0] == -5).all()
    assert (found[:, -2:] == -5).all()
    starts = [
        np.where((X[0, :, i : i + 2] == found[0, 1:6]).all((0, 1, 2, 3)), i, -1)
        for i in range(5)
    ]
    assert np.max(starts) >= 0


def lesion_case(count):
    """Background 0, a slab of class 1, one voxel of class 2, class 3 absent."""
    labels = np.zeros((count, 9, 10, 11, 1), "i4")
    labels[:, 3:5] = 1
    labels[:, 0, 9, 5] = 2
    return {"images": labels.astype("f4"), "segmentation_masks": labels}


def centre_classes(layer, data):
    """The class at the centre of each patch, which has one voxel for that."""
    found = layer(data, training=True)["segmentation_masks"]
    return np.bincount(numpy_of(found).ravel(), minlength=4) / len(found)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, [1 / 3, 1 / 3, 1 / 3, 0]),
        ((1, 1, 2, 4), [0.25, 0.25, 0.5, 0]),
        ((0, 3, 1, 0), [0, 0.75, 0.25, 0]),
        ((0, 0, 1e-6, 5), [0, 0, 1, 0]),
    ],
)
@pytest.mark.parametrize("one_hot", [False, True])
def test_classes_are_drawn_by_their_weights(weights, expected, one_hot):
    data = lesion_case(2000)
    layer = layers.BalancedCrop3D(1, 4, weights, seed=1)
    if one_hot:
        masks = np.eye(4, dtype="u1")[data["segmentation_masks"][..., 0]]
        drawn = layer(
            {"images": data["images"], "segmentation_masks": masks}, training=True
        )
        found = numpy_of(drawn["segmentation_masks"]).mean((0, 1, 2, 3))
    else:
        found = centre_classes(layer, data)

    np.testing.assert_allclose(found, expected, atol=0.04)


def test_every_voxel_of_the_class_is_as_likely():
    labels = np.zeros((1, 3, 4, 5, 1), "i4")
    voxels = [(0, 0, 0), (0, 3, 4), (1, 2, 0), (1, 2, 1), (2, 3, 4)]
    for voxel in voxels:
        labels[(0, *voxel)] = 1
    labels = np.repeat(labels, 4000, 0)
    data = {"images": np.zeros_like(labels, "f4"), "segmentation_masks": labels}
    layer = layers.BalancedCrop3D(1, 2, (0, 1), seed=0)

    start = numpy_of(layer.get_random_transformation(data)["start"])

    found, counts = np.unique(start, axis=0, return_counts=True)
    assert [tuple(v) for v in found] == voxels
    np.testing.assert_allclose(counts, 800, rtol=0.1)


def test_patches_are_centred_on_the_class_and_stay_inside():
    data = lesion_case(64)
    layer = layers.BalancedCrop3D((3, 4, 5), 3, (0, 0, 1), seed=0)

    start = numpy_of(layer.get_random_transformation(data)["start"])

    # The voxel is (0, 9, 5): at two corners the patch must give way.
    np.testing.assert_array_equal(start, [[0, 6, 3]] * 64)


def test_without_a_class_to_draw_patches_come_from_anywhere():
    data = lesion_case(1000)
    layer = layers.BalancedCrop3D((8, 10, 11), 4, (0, 0, 0, 1), seed=0)

    start = numpy_of(layer.get_random_transformation(data)["start"])

    np.testing.assert_allclose(np.bincount(start[:, 0]), 500, rtol=0.15)


def test_each_volume_has_its_own_classes():
    data = lesion_case(50)
    data["segmentation_masks"][::2] = 3

    layer = layers.BalancedCrop3D(1, 4, (0, 0, 1, 1), seed=0)
    found = numpy_of(layer(data, training=True)["segmentation_masks"]).ravel()

    np.testing.assert_array_equal(found, [3, 2] * 25)


def test_balanced_crop_says_what_it_needs():
    layer = layers.BalancedCrop3D(2, 3)
    with pytest.raises(ValueError, match=r"needs an entry .*RandomCrop3D needs none"):
        layer(X, training=True)
    with pytest.raises(ValueError, match="one-hot in 3"):
        layer({"images": X, "segmentation_masks": X}, training=True)


@pytest.mark.parametrize(
    ("name", "arguments", "received"),
    [
        ("CropOrPad3D", {"size": 0}, "size=0"),
        ("CropOrPad3D", {"size": (3, 4)}, "size="),
        ("CropOrPad3D", {"size": 4, "mode": "reflect"}, "mode='reflect'"),
        ("RandomCrop3D", {"patch_size": 2.5}, "patch_size=2.5"),
        ("BalancedCrop3D", {"patch_size": 4, "num_classes": 1}, "num_classes=1"),
        (
            "BalancedCrop3D",
            {"patch_size": 4, "num_classes": 2, "class_weights": (1,)},
            "class_weights=",
        ),
        (
            "BalancedCrop3D",
            {"patch_size": 4, "num_classes": 2, "class_weights": (1, -1)},
            "class_weights=",
        ),
        (
            "BalancedCrop3D",
            {"patch_size": 4, "num_classes": 2, "class_weights": (0, 0)},
            "class_weights=",
        ),
    ],
)
def test_refuses_arguments(name, arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        getattr(layers, name)(**arguments)
