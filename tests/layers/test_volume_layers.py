"""Laws that all layers share, and that hold eagerly, in tf.data and in a model."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import layers
from medzoo.layers.volume_layer import VolumeLayer, pair

RANDOM = {
    "RandomAffine3D": {
        "rotation": 20,
        "shear": 0.1,
        "shift": 2.0,
        "isotropic_scale": 0.05,
        "background": -1.0,
    },
    "RandomBiasField": {"stddev": 0.5, "control_points": 3},
    "RandomGaussianBlur3D": {"sigma": [0.5, 1.5]},
    "RandomChannelDropout": {"probability": 0.5, "value": -2.0},
    "RandomContrast3D": {"factor": 0.8, "preserve_range": False, "per_channel": True},
    "RandomErasing3D": {
        "num_boxes": [1, 3],
        "size": [0.3, 0.6],
        "value": -1.0,
    },
    "RandomElasticTransform3D": {
        "displacement": [4.0, 3.0, 3.5],
        "control_points": [5, 6, 5],
        "prevent_folding": False,
        "background": -1.0,
    },
    "RandomFlip3D": {"axes": ["LR", 1, "IS"]},
    "RandomGamma": {"log_gamma": 0.8},
    "RandomGhosting": {"num_ghosts": [2, 3], "axes": ["IS", 0], "restore": 0.1},
    "RandomIntensityCurve": {"strength": 0.9, "level": 0.5},
    "RandomIntensityMap": {"values": [0.2, 1.5], "level": 4.0},
    "RandomLowResolution": {
        "downsampling": [1.5, 3.0],
        "axes": ["LR", 2],
        "per_channel": True,
    },
    "RandomNoise": {"stddev": [0.1, 0.2], "foreground": False},
    "RandomScaleIntensity": {"factor": 0.5},
    "RandomShiftIntensity": {"stddev": 0.7, "per_channel": True},
    "RandomSpatial3D": {
        "rotation": [20.0, 0.0, 10.0],
        "shift": 1.0,
        "displacement": 1.5,
        "spacing": 3.0,
        "affine_rate": 0.9,
        "elastic_rate": 0.8,
        "background": -1.0,
    },
    "RandomSpike": {
        "num_spikes": [1, 3],
        "intensity": [0.1, 0.3],
        "per_channel": True,
    },
}
FIXED = {
    "ClipIntensity": {"low": 2.5, "high": 6.0},
    "CropOrPad3D": {"size": [4, 9, 8], "mode": "edge", "value": 1.0},
    "HistogramStandardize": {
        "landmarks": [0.0, 1.5, 4.0],
        "percentiles": [5, 40, 95],
        "region": "above_mean",
    },
    "LocalHistogram": {"levels": [0.0, 2.0, 5.0, 9.0], "block": 1, "scale": 2.0},
    "RescaleIntensity": {"out_range": [-1, 2], "percentiles": [5, 90], "clip": False},
    "Resizing3D": {"factor": [0.5, 1.0, 1.5], "antialias": True},
    "ZScore": {"region": "foreground"},
}
# They change sizes and are never the identity; laws of their own in test_crops.py.
CROPS = {
    "BalancedCrop3D": {
        "patch_size": [3, 5, 9],
        "num_classes": 5,
        "class_weights": [0.0, 1.0, 2.0, 0.5, 3.0],
        "value": -1.0,
    },
    "RandomCrop3D": {"patch_size": [3, 9, 4], "value": -1.0},
}
# They take label maps, and have laws of their own in test_synthesis.py.
SYNTHESIS = {
    "LabelToImage": {
        "labels": [0, 2, 3, 4, 24, 41, 506],
        "num_channels": 2,
        "generation_classes": [0, 1, 2, 3, 3, 1, 4],
        "priors": [{"2": [[0.7, 0.8], [0.01, 0.02]]}, {}],
        "removable": [506],
        "removal": 0.5,
        "targets": {"2": 1, "41": 1, "3": 2},
    },
    "RandomLesions": {
        "num_lesions": [3, 9],
        "radius": [1.0, 3.0],
        "contrast": [[0.3, 0.7], [-0.5, -0.2]],
        "spacing": [1.0, 1.2, 0.8],
    },
}
# Parts of networks: no volume layers, tested in a file of their own.
NETWORK = {
    "AddVolume",
    "CropLike3D",
    "CropToMultiple3D",
    "DepthToSpace3D",
    "Displace3D",
    "KnownContrasts",
    "LinearUpsample3D",
    "MarkChannels",
    "PadChannels",
    "PadToMultiple3D",
    "ScaleChannels",
}
WARPS = ("RandomAffine3D", "RandomElasticTransform3D", "RandomSpatial3D")
SPATIAL = (*WARPS, "RandomFlip3D")
INTENSITY = sorted(set(RANDOM) - set(SPATIAL))
SHAPE = (6, 7, 8)


def make(name, **changes):
    arguments = {**RANDOM, **FIXED, **CROPS, **SYNTHESIS}[name]
    if name not in FIXED:
        changes.setdefault("seed", 5)
    return getattr(layers, name)(**{**arguments, **changes})


def channels_of(name):
    return 1 if name == "LocalHistogram" else 2


def images_for(name, count=4):
    """Images that the layer can change: of one channel none can be dropped."""
    return images(count, channels=3 if name == "RandomChannelDropout" else 1)


def images(count=4, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 9, (count, *SHAPE, channels)).astype("f4")


def case(count=4):
    """Images whose intensity is the label, so that a common fate shows."""
    labels = np.random.default_rng(1).integers(1, 5, (count, *SHAPE, 1))
    return {
        "images": labels.astype("f4"),
        "segmentation_masks": labels.astype("i4"),
        "weights": labels.astype("f4") / 10,
        "labels": np.arange(count, dtype="f4"),
    }


def test_every_public_layer_is_covered():
    assert {*RANDOM, *FIXED, *CROPS, *SYNTHESIS, *NETWORK} == set(layers.__all__)


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_config_round_trip(name):
    layer = make(name)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert saved["registered_name"] == f"medzoo>{name}"
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()
    given = {**RANDOM, **FIXED}[name]
    found = json.loads(json.dumps({k: copy.get_config()[k] for k in given}))
    assert found == given
    np.testing.assert_array_equal(
        copy(images(), training=True), make(name)(images(), training=True)
    )


@pytest.mark.parametrize("name", RANDOM)
def test_identity_at_inference(name):
    data = case()

    found = make(name)(data, training=False)

    assert set(found) == set(data)
    for key, value in data.items():
        np.testing.assert_array_equal(found[key], value)
    np.testing.assert_array_equal(make(name)(data["images"]), data["images"])


@pytest.mark.parametrize("name", RANDOM)
def test_changes_something_in_training(name):
    x = images_for(name)
    found = keras.ops.convert_to_numpy(make(name)(x, training=True))

    assert found.shape == x.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert not np.allclose(found, x)


@pytest.mark.parametrize("name", RANDOM)
def test_rate_zero_is_the_identity_and_rate_chooses_volumes(name):
    x = images_for(name, 24)
    np.testing.assert_array_equal(make(name, rate=0.0)(x, training=True), x)

    found = keras.ops.convert_to_numpy(make(name, rate=0.5)(x, training=True))

    changed = [not np.array_equal(a, b) for a, b in zip(found, x, strict=True)]
    assert 2 <= sum(changed) <= 22


@pytest.mark.parametrize("name", RANDOM)
def test_seed_reproduces_the_sequence_of_draws(name):
    one, other = make(name), make(name)
    x = images_for(name)
    first = np.array(one(x, training=True))
    np.testing.assert_array_equal(first, other(x, training=True))
    second = np.array(one(x, training=True))
    np.testing.assert_array_equal(second, other(x, training=True))

    assert not np.array_equal(first, second)
    assert not np.array_equal(first, make(name, seed=6)(x, training=True))


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("batched", [True, False])
def test_one_draw_moves_image_label_map_and_weights(name, batched):
    data = case()
    if not batched:
        data = {key: value[0] for key, value in data.items()}
    # A label map that is its own image comes back equal under nearest.
    layer = make(name, **({"interpolation": "nearest"} if name in WARPS else {}))

    found = {k: np.array(v) for k, v in layer(data, training=True).items()}

    inside = found["segmentation_masks"] != 0
    assert inside.mean() > 0.5
    assert found["segmentation_masks"].dtype == np.int32
    np.testing.assert_array_equal(
        found["images"][inside], found["segmentation_masks"][inside]
    )
    np.testing.assert_allclose(
        found["weights"], found["segmentation_masks"] / 10, atol=1e-6
    )
    np.testing.assert_array_equal(found["labels"], data["labels"])
    assert not np.array_equal(found["images"], data["images"])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("RandomAffine3D", {"shift": 20.0, "scale": 0.0}),
        ("RandomElasticTransform3D", {"displacement": 20.0}),
        ("RandomSpatial3D", {"shift": 20.0}),
    ],
)
def test_warps_put_no_label_and_no_weight_outside(name, changes):
    data = case()
    found = make(name, **changes)(data, training=True)

    assert np.array(found["images"]).min() == pytest.approx(-1)
    assert np.array(found["segmentation_masks"]).min() == 0
    assert np.array(found["weights"]).min() == 0
    assert set(np.unique(found["segmentation_masks"])) <= {0, 1, 2, 3, 4}


@pytest.mark.parametrize("name", INTENSITY)
def test_intensity_layers_leave_label_maps_and_weights_alone(name):
    data = case()

    found = make(name)(data, training=True)

    for key in ("segmentation_masks", "weights", "labels"):
        np.testing.assert_array_equal(found[key], data[key])


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_eager_equals_tf_data(name):
    x = images(6)
    layer, other = make(name), make(name)
    batches = tf.data.Dataset.from_tensor_slices(x).batch(3)

    mapped = list(batches.map(lambda b: layer(b, training=True)).as_numpy_iterator())

    eager = [np.array(other(b, training=True)) for b in (x[:3], x[3:])]
    for one, two in zip(mapped, eager, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_single_volume_equals_a_batch_of_one(name):
    x = images(1, channels=channels_of(name))

    batched = np.array(make(name)(x, training=True))
    single = np.array(make(name)(x[0], training=True))
    layer = make(name)
    mapped = tf.data.Dataset.from_tensor_slices(x).map(
        lambda v: layer(v, training=True)
    )

    np.testing.assert_allclose(single, batched[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        next(iter(mapped)).numpy(), batched[0], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_mixed_precision_rounds_no_image_and_no_weight(name):
    data = {**case(), "images": images()}
    expected = make(name)(data, training=True)
    layer = make(name, dtype="mixed_bfloat16")

    found = layer(data, training=True)

    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        # The base class converts: each layer meets one, two of them meet all.
        pytest.param(
            name,
            dtype,
            marks=()
            if dtype == "i2" or name in ("RandomSpatial3D", "ZScore")
            else pytest.mark.extended,
        )
        for name in (*RANDOM, *FIXED)
        for dtype in ("f8", "f2", "i2", "u1")
    ],
)
def test_any_number_type_becomes_float32(name, dtype):
    x = np.round(images()).astype(dtype)

    found = make(name)(x, training=True)

    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(found, make(name)(x.astype("f4"), training=True))


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_works_inside_a_model(name):
    inputs = keras.Input((*SHAPE, 1))
    outputs = make(name)(inputs)
    model = keras.Model(inputs, outputs)

    assert outputs.shape[1:] == model(images()).shape[1:]
    np.testing.assert_allclose(
        model(images(), training=True), make(name)(images(), training=True), atol=1e-5
    )


def test_symbolic_dict_keeps_types():
    inputs = {
        "images": keras.Input((*SHAPE, 1), dtype="float16"),
        "segmentation_masks": keras.Input((*SHAPE, 1), dtype="int32"),
    }

    outputs = make("RandomFlip3D")(inputs)

    assert outputs["images"].dtype == "float32"
    assert outputs["segmentation_masks"].dtype == "int32"
    assert outputs["segmentation_masks"].shape == (None, *SHAPE, 1)


def test_draw_is_public_and_none_at_inference():
    layer = make("RandomFlip3D")
    data = {"images": images()}

    assert layer.get_random_transformation(data, training=False) is None
    drawn = layer.get_random_transformation(data, training=True, seed=3)
    again = layer.get_random_transformation(data, training=True, seed=3)
    assert drawn["flip"].shape == (4, 3)
    np.testing.assert_array_equal(drawn["flip"], again["flip"])


def test_base_layer_changes_nothing():
    np.testing.assert_array_equal(VolumeLayer()(images()), images())


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_refuses_rate(rate):
    with pytest.raises(ValueError, match="Received: rate="):
        layers.RandomNoise(rate=rate)


def test_pair():
    assert pair(2, "sigma") == (0.0, 2.0)
    assert pair([1, 3], "sigma") == (1.0, 3.0)
    with pytest.raises(ValueError, match="`sigma` must be an ascending range"):
        pair((3, 1), "sigma")
