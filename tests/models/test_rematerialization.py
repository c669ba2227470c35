"""Blocks computed twice: the same answers, gradients, averages and draws."""

import keras
import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.models import (
    FCN3D,
    ConvolutionalAutoencoder3D,
    ResidualUNet3D,
    ResNet3D,
)

SMALL = {"filters": (4, 6), "strides": ((1, 1, 1), (2, 2, 2))}
NETWORKS = {
    "resnet": lambda **more: ResNet3D((9, 8, 8, 2), **SMALL, num_classes=3, **more),
    "fcn": lambda **more: FCN3D((None, None, None, 2), **SMALL, num_units=2, **more),
    "unet": lambda **more: ResidualUNet3D(
        (None, None, None, 2), **SMALL, num_units=2, upsampling="transposed", **more
    ),
    "deep_unet": lambda **more: ResidualUNet3D(
        (None, None, None, 2),
        filters=(4, 6, 8),
        strides=((1, 1, 1), (2, 2, 2), (2, 2, 2)),
        deep_supervision=True,
        **more,
    ),
    "sub_voxel": lambda **more: ResidualUNet3D(
        (None, None, None, 2),
        filters=(4, 6),
        strides=((2, 2, 2), (2, 2, 2)),
        head_upsampling="sub_voxel",
        **more,
    ),
}


def pair(name, optimizer="sgd", run_eagerly=True, **more):
    """The same network twice, the second rematerialised, ready to train.

    A step that is run eagerly takes less time than to compile it.
    """
    models = []
    for wanted in (False, True):
        keras.utils.set_random_seed(3)
        model = NETWORKS[name](**more)
        model.rematerialize = wanted
        rate = {"sgd": 0.1, "small": 1e-4}[optimizer]
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=run_eagerly)
        models.append(model)
    return models


def batch(model, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(2, 9, 8, 8, 2)).astype("float32")
    answer = model(images)
    first = answer[0] if isinstance(answer, list) else answer
    return images, generator.normal(size=tuple(first.shape)).astype("float32")


def weights_agree(one, other, **tolerance):
    assert [w.path.split("/")[1:] for w in one.weights] == [
        w.path.split("/")[1:] for w in other.weights
    ]
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, **tolerance)


@pytest.mark.parametrize(
    ("name", "run_eagerly"), [*((name, True) for name in NETWORKS), ("unet", False)]
)
def test_a_step_of_gradient_descent_is_the_same(name, run_eagerly):
    plain, blocks = pair(name, run_eagerly=run_eagerly)
    images, targets = batch(plain)
    before = plain.get_weights()
    losses = [m.train_on_batch(images, targets) for m in (plain, blocks)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # A step of plain gradient descent is the gradient, and averages move once.
    weights_agree(plain, blocks, rtol=1e-4, atol=1e-6)
    moved = [
        np.abs(a - b).max() for a, b in zip(before, plain.get_weights(), strict=True)
    ]
    assert np.mean(np.array(moved) > 1e-5) > 0.8


@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_averages_of_batch_normalisation_move_once_a_step(name):
    _, model = pair(name)
    images, targets = batch(model)
    layer = next(
        x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)
    )
    before = np.asarray(layer.moving_variance)
    model.train_on_batch(images, targets)
    after = np.asarray(layer.moving_variance)
    # A hundredth of the way to what this batch has, no further.
    keras.utils.set_random_seed(3)
    fresh = NETWORKS[name]()
    probe = keras.Model(fresh.input, fresh.get_layer(layer.name).input)
    values = np.asarray(probe(images))
    variance = values.var(axis=(0, 1, 2, 3))
    np.testing.assert_allclose(after, 0.99 * before + 0.01 * variance, rtol=1e-5)


def test_dropout_draws_the_same_twice_and_anew_the_next_time():
    plain, blocks = pair("unet", "small", run_eagerly=False, dropout_rate=0.5)
    images, targets = batch(plain)
    for _ in range(3):
        for model in (plain, blocks):
            model.train_on_batch(images, targets)
    weights_agree(plain, blocks, rtol=1e-3, atol=1e-5)
    # Seeds too: a step draws once from each.
    states = [
        [np.asarray(v) for v in m.non_trainable_variables if "seed" in v.path]
        for m in (plain, blocks)
    ]
    assert states[0]
    np.testing.assert_array_equal(states[0], states[1])
    answers = [np.asarray(blocks(images, training=True)) for _ in range(2)]
    assert not np.allclose(*answers)


def test_reduced_precision_is_kept():
    plain, blocks = pair("unet", dtype="mixed_bfloat16")
    images, targets = batch(plain)
    losses = [m.train_on_batch(images, targets) for m in (plain, blocks)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_it_is_no_part_of_weights_or_configuration(tmp_path):
    plain, blocks = pair("unet")
    images, targets = batch(plain)
    blocks.train_on_batch(images, targets)
    blocks.save_weights(tmp_path / "model.weights.h5")
    plain.load_weights(tmp_path / "model.weights.h5")
    weights_agree(plain, blocks, rtol=0)
    configs = [{**m.get_config(), "name": ""} for m in (plain, blocks)]
    assert configs[0] == configs[1]
    blocks.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert not again.rematerialize
    np.testing.assert_allclose(again(images), blocks(images), rtol=1e-5, atol=1e-6)
    # Frozen layers stay as they are.
    blocks.get_layer("stem_conv").trainable = False
    blocks.compile("sgd", "mse", run_eagerly=True)
    kernel = np.asarray(blocks.get_layer("stem_conv").kernel)
    blocks.train_on_batch(images, targets)
    np.testing.assert_array_equal(kernel, blocks.get_layer("stem_conv").kernel)


def test_what_is_between_blocks_alone_is_kept():
    plain, blocks = pair("unet")
    images, _ = batch(plain)
    counts = [_kept_by_the_gradient(m, images) for m in (plain, blocks)]
    assert counts[1] < 0.6 * counts[0]


def _kept_by_the_gradient(model, images):
    """Bytes that a recorded forward pass holds on to."""
    tensorflow = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("measured on TensorFlow")
    import gc

    with tensorflow.GradientTape() as tape:
        answer = model(tensorflow.constant(images), training=True)
        gc.collect()
        held = [
            x
            for x in gc.get_objects()
            if isinstance(x, type(answer)) and x.shape.rank == 5
        ]
    del tape
    return sum(int(np.prod(x.shape)) for x in held)


def test_a_network_without_blocks_is_refused():
    model = ConvolutionalAutoencoder3D((8, 8, 8, 1), latent_dim=4)
    with pytest.raises(InputError, match="ConvolutionalAutoencoder3D"):
        model.rematerialize = True
