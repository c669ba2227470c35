"""Weights, reductions, batches, static and dynamic sizes, saved models."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import losses

RNG = np.random.default_rng(1)
SHAPE = (2, 3, 4, 5)
LABELS = RNG.integers(0, 3, SHAPE).astype("i4")
LOGITS = RNG.normal(size=(*SHAPE, 3)).astype("f4")
OF_VOLUMES = np.array([0.5, 2.0], "f4")
OF_VOXELS = RNG.uniform(size=SHAPE).astype("f4")
ALL = {
    "BalancedCrossentropy": {},
    "Dice": {},
    "DiceCrossentropy": {},
    "GeneralizedDice": {},
    "MedianFrequencyCrossentropy": {"class_weights": [1.0, 2.0, 3.0]},
}
DTYPES = (None, "float64")
OVER_BATCH = ["Dice", "DiceCrossentropy", "GeneralizedDice"]


def numbers(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size", None])
@pytest.mark.parametrize("weights", [None, OF_VOLUMES, OF_VOXELS, OF_VOXELS[..., None]])
def test_weights_of_one_are_crossentropy_of_keras(reduction, weights):
    ours = losses.MedianFrequencyCrossentropy([1, 1, 1], reduction=reduction)
    keras_own = keras.losses.SparseCategoricalCrossentropy(True, reduction=reduction)
    each = weights
    if weights is OF_VOLUMES:
        each = np.broadcast_to(OF_VOLUMES.reshape(2, 1, 1, 1), SHAPE)

    found = numbers(ours(LABELS, LOGITS, weights))

    expected = numbers(keras_own(LABELS[..., None], LOGITS, each))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("weights", [OF_VOLUMES, OF_VOXELS])
def test_mean_with_sample_weight_divides_by_the_weights(weights):
    common = {"class_weights": [1.0, 2.0, 3.0]}
    each = numbers(
        losses.MedianFrequencyCrossentropy(**common, reduction=None)(LABELS, LOGITS)
    )
    w = weights if weights is OF_VOXELS else OF_VOLUMES.reshape(2, 1, 1, 1)

    loss = losses.MedianFrequencyCrossentropy(
        **common, reduction="mean_with_sample_weight"
    )

    w = np.broadcast_to(w, SHAPE)
    expected = (w * each).sum() / w.sum()
    assert numbers(loss(LABELS, LOGITS, weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", OVER_BATCH)
def test_over_the_batch_is_one_larger_volume(name):
    loss = getattr(losses, name)(per_sample=False)
    larger = [x.reshape(1, 6, *x.shape[2:]) for x in (LABELS, LOGITS, OF_VOXELS)]

    one_by_one = numbers(loss(LABELS, LOGITS, OF_VOXELS))

    assert one_by_one == pytest.approx(numbers(loss(*larger)), rel=1e-5)
    assert one_by_one != pytest.approx(
        numbers(getattr(losses, name)()(LABELS, LOGITS, OF_VOXELS)), rel=1e-4
    )


@pytest.mark.parametrize("name", OVER_BATCH)
def test_over_the_batch_a_volume_of_weight_zero_does_not_count(name):
    loss = getattr(losses, name)(per_sample=False)
    other = LOGITS.copy()
    other[0] = -LOGITS[0]
    weights = np.array([0.0, 1.0])

    found = numbers(loss(LABELS, LOGITS, weights))

    assert found == pytest.approx(numbers(loss(LABELS, other, weights)), rel=1e-5)
    assert numbers(loss(LABELS, LOGITS)) != numbers(loss(LABELS, other))


def test_only_present_is_the_mean_over_all_that_is_there():
    y = LABELS.copy()
    y[0] = np.minimum(y[0], 1)
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    g = np.eye(3)[y]
    sums = [x.sum((1, 2, 3)) for x in (p * g, p + g, g)]
    dice = (2 * sums[0] + 1e-5) / (sums[1] + 1e-5)

    found = numbers(losses.Dice(only_present=True)(y, LOGITS))

    # As DLTK's dice_loss: one mean over the entries of the batch, here 2 and 3.
    assert found == pytest.approx(1 - dice[sums[2] > 0].mean(), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_sizes_that_are_not_known_beforehand(name):
    loss = getattr(losses, name)(**ALL[name])
    free = tf.TensorSpec([None] * 4, "int32"), tf.TensorSpec([None] * 4 + [3])

    @tf.function(input_signature=[*free, tf.TensorSpec([None] * 4)])
    def compiled(y, x, w):
        return loss(y, x, w)

    @tf.function(input_signature=[tf.TensorSpec(SHAPE, "int32"), free[1]])
    def half_known(y, x):
        return loss(y, x)

    expected = numbers(loss(LABELS, LOGITS, OF_VOXELS))
    found = numbers(compiled(LABELS, LOGITS, OF_VOXELS))
    assert found == pytest.approx(expected, rel=1e-5)
    expected = numbers(loss(LABELS, LOGITS))
    assert numbers(half_known(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_sizes_that_differ_are_refused(name):
    loss = getattr(losses, name)(**ALL[name])
    for y, x, w in (
        (LABELS[:1], LOGITS, None),
        (LABELS[:, :1], LOGITS, None),
        (LABELS, LOGITS[:, :, :, :4], None),
        (LABELS, LOGITS, OF_VOXELS[:1]),
        (LABELS, LOGITS, OF_VOXELS[:, :1, :1, :1]),
        (LABELS, LOGITS, OF_VOXELS[..., 0]),
        (LABELS, LOGITS, np.ones(3)),
        (LABELS, LOGITS, np.ones((2, 3))),
    ):
        with pytest.raises(ValueError, match=r"Received: \w+\.shape="):
            loss(y, x, w)


def test_type_of_labels_is_checked_in_a_graph_too():
    @tf.function
    def compiled(y, x):
        return losses.Dice()(y, x)

    with pytest.raises(ValueError, match=r"Received: y_true\.dtype=.*string"):
        compiled(tf.constant(LABELS.astype(str)), LOGITS)


@pytest.mark.parametrize("name", ALL)
def test_computes_in_float32_or_wider(name):
    half = LOGITS.astype("f2")
    narrow, wide = (getattr(losses, name)(**ALL[name], dtype=d) for d in DTYPES)

    found = narrow(LABELS, half)

    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    expected = narrow(LABELS, half.astype("f4"))
    assert numbers(found) == pytest.approx(numbers(expected))
    assert keras.backend.standardize_dtype(wide(LABELS, half).dtype) == "float64"
    assert numbers(wide(LABELS, half)) == pytest.approx(numbers(found), rel=1e-5)
    assert wide.get_config()["dtype"] == "float64"
    with pytest.raises(ValueError, match="dtype=float16"):
        getattr(losses, name)(**ALL[name], dtype="float16")


@pytest.mark.parametrize("name", ALL)
def test_a_model_keeps_its_loss(name, tmp_path):
    inputs = keras.Input((None, None, None, 1))
    model = keras.Model(inputs, keras.layers.Conv3D(3, 1)(inputs))
    model.compile("sgd", getattr(losses, name)(**ALL[name], reduction="sum"))
    x = RNG.normal(size=(*SHAPE, 1)).astype("f4")
    model.fit(x, LABELS[..., None], verbose=0)
    model.save(tmp_path / "model.keras")

    copy = keras.models.load_model(tmp_path / "model.keras")

    found = copy.evaluate(x, LABELS[..., None], verbose=0)
    assert found == pytest.approx(model.evaluate(x, LABELS[..., None], verbose=0))


def test_arguments_are_attributes_and_configuration():
    import inspect

    for name, arguments in ALL.items():
        loss = getattr(losses, name)(**arguments)
        config = loss.get_config()
        assert set(config) == set(inspect.signature(type(loss)).parameters)
        assert all(getattr(loss, key) == value for key, value in config.items())


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("Dice", "smooth"),
        ("GeneralizedDice", "smooth"),
        ("DiceCrossentropy", "dice_weight"),
        ("DiceCrossentropy", "crossentropy_weight"),
    ],
)
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_refuses_numbers_that_are_negative_or_not_finite(name, argument, value):
    with pytest.raises(ValueError, match=f"Received: {argument}={value}"):
        getattr(losses, name)(**{argument: value})
