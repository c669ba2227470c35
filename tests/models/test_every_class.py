"""Checks that every network passes, each in a few variants."""

import functools
import json

import keras
import numpy as np
import pytest

from medzoo import models
from medzoo.models.base import VolumeModel
from medzoo.models.from_recipe import CLASSES, build_model
from medzoo.zoo.recipe.schema import ALLOWED_ARCHITECTURES

ANY_SIZE = [None, None, None, 2]
SMALL = {
    "input_shape": ANY_SIZE,
    "num_classes": 3,
    "filters": [3, 4, 6],
    "strides": [[1, 1, 1], [1, 2, 2], [2, 1, 2]],
}
DEEPMEDIC = {
    "input_shape": ANY_SIZE,
    "num_classes": 3,
    "filters": [3, 3, 4],
    "residual_layers": [3],
    "subsample_factors": [[2, 1, 2], 3],
    "classifier_filters": [12, 5],
}
GENERATOR = {
    "latent_dim": 5,
    "filters": [4, 3, 1],
    "kernel_sizes": [3, [3, 3, 1], 4],
    "strides": [[4, 4, 4], [1, 2, 2], [1, 1, 1]],
}
DISCRIMINATOR = {
    "input_shape": [4, 8, 8, 1],
    "filters": [4, 5],
    "strides": [[1, 2, 2], [1, 2, 2]],
}
# Variant -> class, arguments, sizes of an input.
CASES = {
    "resnet": ("ResNet3D", SMALL, (5, 6, 9)),
    "unet": ("ResidualUNet3D", SMALL, (5, 6, 9)),
    "unet_other": (
        "ResidualUNet3D",
        {**SMALL, "symmetric": False, "num_units": 2, "upsampling": "transposed"}
        | {"normalization": "instance", "activation": "prelu", "use_bias": True}
        | {"filters": [3, 4], "strides": [[1, 1, 1], [2, 1, 2]]},
        (5, 6, 9),
    ),
    "unet_deep": (
        "ResidualUNet3D",
        {
            **SMALL,
            "deep_supervision": True,
            "strides": [[1, 2, 1], [2, 2, 2], [3, 1, 1]],
        }
        | {"upsampling": "nearest", "normalization": "group"},
        (5, 6, 9),
    ),
    "fcn": ("FCN3D", SMALL, (5, 6, 9)),
    "fcn_other": (
        "FCN3D",
        {**SMALL, "strides": [[2, 1, 1], [3, 2, 1]], "filters": [4, 3]}
        | {"upsampling": "transposed", "normalization": "none"},
        (9, 6, 9),  # not 1 voxel along x in the end: oneDNN's bfloat16 is wrong there
    ),
    "autoencoder": (
        "ConvolutionalAutoencoder3D",
        {"input_shape": [5, 6, 7, 2], "latent_dim": 4, "filters": [3, 4]}
        | {"strides": [[1, 2, 2], [3, 2, 1]], "num_convolutions": 2},
        (5, 6, 7),
    ),
    "autoencoder_linear_and_deformed": (
        "ConvolutionalAutoencoder3D",
        {"input_shape": [5, 6, 7, 2], "latent_dim": 4, "filters": [3]}
        | {"strides": [[2, 2, 2]], "linear_filters": 3, "block_size": [3, 2, 4]}
        | {"deformation": True},
        (5, 6, 7),
    ),
    "super_resolution": (
        "SuperResolution3D",
        {"input_shape": ANY_SIZE, "filters": [3, 4], "upsampling_factor": [1, 2, 3]},
        (5, 4, 3),
    ),
    "super_resolution_residual": (
        "SuperResolution3D",
        {"input_shape": ANY_SIZE, "filters": [3], "num_convolutions": 2}
        | {"residual": True, "activation": "prelu", "upsampling_factor": 2},
        (5, 4, 3),
    ),
    "super_resolution_sub_voxel": (
        "SuperResolution3D",
        {"input_shape": ANY_SIZE, "filters": [3, 5, 4], "upsampling_factor": [1, 2, 3]}
        | {"blocks": "residual", "head": "sub_voxel", "first_kernel_size": 5}
        | {"residual": True, "normalization": "none"},
        (5, 4, 3),
    ),
    "deepmedic": ("DeepMedic3D", DEEPMEDIC, (24, 25, 29)),
    "deepmedic_same": ("DeepMedic3D", {**DEEPMEDIC, "padding": "same"}, (4, 5, 7)),
    "generator": ("Generator3D", GENERATOR, None),
    "generator_linear": ("Generator3D", {**GENERATOR, "upsampling": "linear"}, None),
    "discriminator": ("Discriminator3D", DISCRIMINATOR, (4, 8, 8)),
    "dcgan": (
        "DCGAN3D",
        {"generator": GENERATOR, "discriminator": DISCRIMINATOR, "seed": 1},
        (4, 8, 8),
    ),
    "ensemble": (
        "Ensemble3D",
        {"member": {"class": "FCN3D", "arguments": SMALL}, "num_members": 2},
        (5, 6, 9),
    ),
}
EVERY = pytest.mark.parametrize("case", CASES)
FIRST_OF = {name: case for case, (name, _, _) in reversed(CASES.items())}
ONE_A_CLASS = sorted(FIRST_OF.values())
# What the base class does: variants of a class are left to `make test-all`.
ONCE_A_CLASS = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case in ONE_A_CLASS else pytest.mark.extended)
        for case in CASES
    ],
)
# Those whose arguments include what the blocks are made of.
STYLED = pytest.mark.parametrize(
    "case", [case for case in ONE_A_CLASS if case not in ("dcgan", "ensemble")]
)
# A variant runs the same layers in the other half precision; classes run in both.
PRECISIONS = pytest.mark.parametrize(
    ("case", "policy"),
    [
        pytest.param(
            case,
            policy,
            marks=()
            if policy == "mixed_float16" or case in ONE_A_CLASS
            else pytest.mark.extended,
        )
        for case in CASES
        for policy in ("mixed_bfloat16", "mixed_float16")
    ],
)
# Instance normalisation is group normalisation with a group a channel.
NORMALIZATIONS = ["batch", "instance", "none"]
NORMALIZATIONS += [pytest.param("group", marks=pytest.mark.extended)]
# Eager steps take less time here. Compiled ones, as users have them, are those of
# test_every_model and test_dcgan, and of this one with several outputs.
COMPILED = ("unet_deep",)


def make(case, **changes):
    name, arguments, _ = CASES[case]
    return CLASSES[name](**{**arguments, **changes})


@functools.cache
def disturbed(case):
    """A network with random weights, for tests that only ask it."""
    return disturb(make(case))


@functools.cache
def trained(case):
    """A network after a step of `fit`, and its weights before, for tests that ask."""
    model = make(case, recipe={"name": "a"})
    # Zero gradients come from zero kernels and from what ReLU cuts off.
    if "activation" in CASES[case][1] or case.startswith("super"):
        model = disturb(model)
    before = [np.array(w) for w in model.trainable_weights]
    return fitted(model, batch(case, 4), run_eagerly=case not in COMPILED), before


def batch(case, count=2):
    name, arguments, sizes = CASES[case]
    rng = np.random.default_rng(count)
    if name == "Generator3D":
        return rng.normal(size=(count, arguments["latent_dim"])).astype("f4")
    channels = 1 if name in ("DCGAN3D", "Discriminator3D") else 2
    return np.tanh(rng.normal(size=(count, *sizes, channels))).astype("f4")


def outputs(model, x, training=False):
    """What a model gives, as a list of arrays; of a GAN what no noise enters."""
    found = model(x, training=training)
    found = [found["real"]] if isinstance(found, dict) else found
    found = found if isinstance(found, list) else [found]
    return [keras.ops.convert_to_numpy(y) for y in found]


def disturb(model, seed=0):
    """Sets all weights from one generator of random numbers; variances positive."""
    rng = np.random.default_rng(seed)
    values = []
    for weight in model.weights:
        low, high = (0.5, 1.5) if "variance" in weight.path else (-0.4, 0.4)
        values.append(rng.uniform(low, high, weight.shape).astype("f4"))
    model.set_weights(values)
    return model


def fitted(model, x, run_eagerly=True):
    """Trains for one step with a target that suits the outputs."""
    options = {"run_eagerly": run_eagerly}
    if isinstance(model, models.DCGAN3D):
        model.compile(**options)
        model.fit(x, batch_size=len(x), verbose=0)
    else:
        model.compile(keras.optimizers.Adam(0.01), "mse", **options)
        y = [np.ones_like(y) for y in outputs(model, x)]
        model.fit(x, y if len(y) > 1 else y[0], batch_size=len(x), verbose=0)
    return model


def test_every_public_class_is_allowed_and_checked_here():
    assert set(models.__all__) == set(CLASSES) == set(ALLOWED_ARCHITECTURES)
    assert {n for n, _, _ in CASES.values()} == set(CLASSES)


@EVERY
def test_config_is_json_and_rebuilds_the_same_model(case):
    model = disturb(make(case, name="mine", recipe={"name": "a", "list": [1]}))
    config = json.loads(json.dumps(model.get_config()))

    copy = type(model).from_config(config)

    assert config == copy.get_config() == model.get_config()
    given = json.loads(json.dumps(CASES[case][1]))
    assert {k: config[k] for k in given} == given
    assert copy.recipe == {"name": "a", "list": [1]}
    assert [w.path for w in copy.weights] == [w.path for w in model.weights]
    copy.set_weights(model.get_weights())
    x = batch(case)
    for one, two in zip(outputs(copy, x), outputs(model, x), strict=True):
        np.testing.assert_array_equal(one, two)


@ONCE_A_CLASS
def test_save_and_load_after_training(case, tmp_path):
    x = batch(case)
    model, _ = trained(case)
    model.save(tmp_path / "a.keras")

    loaded = keras.models.load_model(tmp_path / "a.keras")

    assert type(loaded) is type(model)
    assert loaded.compiled
    assert loaded.get_config() == model.get_config()
    saved = [*model.variables, *model.optimizer.variables]
    for one, two in zip(
        [*loaded.variables, *loaded.optimizer.variables], saved, strict=True
    ):
        # Keras saves no state of seed generators.
        if "seed" not in one.path:
            np.testing.assert_array_equal(one, two, err_msg=one.path)
    for one, two in zip(outputs(loaded, x), outputs(model, x), strict=True):
        np.testing.assert_array_equal(one, two)


@ONCE_A_CLASS
def test_weights_file_fits_a_fresh_model(case, tmp_path):
    model, other = disturbed(case), make(case)
    model.save_weights(tmp_path / "a.weights.h5")

    other.load_weights(tmp_path / "a.weights.h5")

    x = batch(case)
    for one, two in zip(outputs(other, x), outputs(model, x), strict=True):
        np.testing.assert_array_equal(one, two)


@EVERY
def test_one_step_of_fit_moves_every_weight(case):
    model, before = trained(case)

    assert np.isfinite(model.history.history["loss"]).all()
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(weight, old), weight.path


@ONCE_A_CLASS
def test_predict_and_evaluate_agree_with_a_call(case):
    model, x = disturbed(case), batch(case)

    found = model.predict(x, batch_size=1, verbose=0)

    found = [found["real"]] if isinstance(found, dict) else found
    found = found if isinstance(found, list) else [found]
    for one, two in zip(found, outputs(model, x), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
        assert np.ptp(one) > 1e-3


@PRECISIONS
def test_mixed_precision_with_an_output_in_float32(case, policy):
    model = disturb(make(case, dtype=policy))
    exact = disturbed(case)
    x = batch(case)

    for found, expected in zip(outputs(model, x), outputs(exact, x), strict=True):
        assert found.dtype == np.float32
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=0.1 * max(scale, 1))
        assert not np.array_equal(found, expected)
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    assert model.get_config()["dtype"] == policy
    # No product in bfloat16 here: TensorFlow's filter gradient of a convolution over
    # an axis shorter than its kernel is wrong there.
    if policy == "mixed_float16":
        assert np.isfinite(fitted(model, x).history.history["loss"]).all()


@STYLED
def test_regularizer_reaches_the_loss_from_every_kernel(case):
    model = make(case, kernel_regularizer=keras.regularizers.L2(0.5))

    kernels = [w for w in model.trainable_weights if w.path.endswith("kernel")]
    expected = sorted(0.5 * np.square(np.array(k)).sum() for k in kernels)
    assert len(kernels) >= 3
    np.testing.assert_allclose(sorted(map(float, model.losses)), expected, rtol=1e-4)


@STYLED
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_normalization(case, normalization):
    model = make(case, normalization=normalization)

    kinds = {type(la).__name__ for la in model._flatten_layers()}
    expected = {
        "batch": {"BatchNormalization"},
        "none": set(),
    }.get(normalization, {"GroupNormalization"})
    assert {kind for kind in kinds if "Normalization" in kind} == expected
    assert np.isfinite(outputs(model, batch(case))[0]).all()


@STYLED
def test_dropout_acts_in_training_alone(case):
    model, x = disturb(make(case, dropout_rate=0.5)), batch(case)

    np.testing.assert_array_equal(outputs(model, x)[0], outputs(model, x)[0])
    one, two = outputs(model, x, training=True)[0], outputs(model, x, training=True)[0]
    assert not np.array_equal(one, two)


@EVERY
def test_channels_last_whatever_the_setting_of_keras(case):
    x = batch(case)
    expected = outputs(disturbed(case), x)
    keras.config.set_image_data_format("channels_first")
    try:
        found = outputs(disturb(make(case)), x)
    finally:
        keras.config.set_image_data_format("channels_last")

    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)


@EVERY
def test_unknown_arguments_are_refused(case):
    with pytest.raises((TypeError, ValueError), match="drop_out_rate"):
        make(case, drop_out_rate=0.5)


@EVERY
def test_recipe_builds_it(case):
    name, arguments, _ = CASES[case]
    recipe = {
        "name": "a_model",
        "architecture": {"class": name, "arguments": arguments},
    }

    model = build_model(recipe)

    assert type(model) is CLASSES[name]
    assert (model.name, model.recipe) == ("a_model", recipe)
    assert isinstance(model, VolumeModel) or name == "DCGAN3D"
