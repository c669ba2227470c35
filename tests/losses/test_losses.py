"""Losses against values worked out by hand, and the laws that all share."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import losses

RNG = np.random.default_rng(0)
SHAPE = (3, 4, 5, 6)
CLASSES = 3
ALL = {
    "BalancedCrossentropy": {},
    "Dice": {
        "include_background": False,
        "class_weights": [1.0, 2.0, 3.0],
        "squared": True,
        "only_present": True,
        "smooth": 0.5,
    },
    "DiceCrossentropy": {"dice_weight": 0.5, "class_weights": [1.0, 2.0, 0.5]},
    "GeneralizedDice": {"volume_weights": "simple"},
    "MedianFrequencyCrossentropy": {"class_weights": [0.5, 1.0, 2.0]},
}
# It wraps another loss; tested in a file of its own.
# Tested in files of their own.
WRAPPERS = {"LabelSetDiceCrossentropy", "PartialLabels"}


def make(name, **changes):
    return getattr(losses, name)(**{**ALL[name], **changes})


def labels(seed=0):
    return np.random.default_rng(seed).integers(0, CLASSES, SHAPE).astype("i4")


def logits(seed=0, classes=CLASSES):
    return np.random.default_rng(seed).normal(size=(*SHAPE, classes)).astype("f4")


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def one_hot(y, classes=CLASSES):
    return np.eye(classes, dtype="f4")[y]


def value(loss, *arguments):
    return float(keras.ops.convert_to_numpy(loss(*arguments)))


def test_every_loss_is_covered():
    classes = [n for n in losses.__all__ if isinstance(getattr(losses, n), type)]
    assert {*ALL, *WRAPPERS} == set(classes)


@pytest.mark.parametrize("name", ALL)
def test_config_round_trip(name):
    loss = make(name, reduction="sum", from_logits=False)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert saved["registered_name"] == f"medzoo>{name}"
    assert copy.get_config() == loss.get_config()
    found = {k: copy.get_config()[k] for k in ALL[name]}
    assert found == ALL[name]
    p = softmax(logits())
    assert value(copy, labels(), p) == pytest.approx(value(loss, labels(), p))


@pytest.mark.parametrize("name", ALL)
def test_forms_of_targets_and_predictions_agree(name):
    y, x = labels(), logits()

    expected = value(make(name), y, x)

    assert value(make(name), y[..., None], x) == pytest.approx(expected, rel=1e-5)
    assert value(make(name), one_hot(y), x) == pytest.approx(expected, rel=1e-5)
    assert value(make(name), y.astype("f8"), x) == pytest.approx(expected, rel=1e-5)
    assert value(make(name, from_logits=False), y, softmax(x)) == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("name", ALL)
def test_perfect_prediction_costs_nothing_and_a_wrong_one_more(name):
    y = labels()

    right = value(make(name), y, 50 * one_hot(y))
    wrong = value(make(name), y, 50 * one_hot((y + 1) % CLASSES))

    assert right == pytest.approx(0, abs=1e-4)
    assert wrong > 0.5


@pytest.mark.parametrize("name", ALL)
def test_weights_of_volumes_are_those_of_keras(name):
    y, x = labels(), logits()
    w = np.array([0.0, 1.0, 3.0], "f4")
    each = keras.ops.convert_to_numpy(make(name, reduction=None)(y, x))

    assert each.shape == (SHAPE if make(name).voxelwise else (3,))
    each = each.reshape(3, -1).mean(1)
    expected = pytest.approx((w * each).mean(), rel=1e-5)
    assert value(make(name), y, x, w) == expected
    assert value(make(name), y, x, w[:, None]) == expected


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("trailing", [True, False])
def test_voxels_of_weight_zero_do_not_count(name, trailing):
    y, x = labels(), logits()
    w = np.ones(SHAPE, "f4")
    w[:, :2] = 0
    other = x.copy()
    other[:, :2] = logits(9)[:, :2]
    w = w[..., None] if trailing else w

    assert value(make(name), y, x, w) == pytest.approx(
        value(make(name), y, other, w), rel=1e-5
    )
    assert value(make(name), y, x) != pytest.approx(value(make(name), y, other))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gradients_are_finite(name, scale):
    x = tf.Variable(scale * logits())
    with tf.GradientTape() as tape:
        loss = make(name)(labels(), x)
    gradient = tape.gradient(loss, x).numpy()

    assert np.isfinite(gradient).all()
    if scale == 1:
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("name", ALL)
def test_fit_with_weights_and_mixed_precision(name):
    inputs = keras.Input((4, 5, 6, 1))
    x = keras.layers.Conv3D(CLASSES, 1, dtype="mixed_bfloat16")(inputs)
    model = keras.Model(inputs, x)
    model.compile("sgd", make(name))

    history = model.fit(
        RNG.normal(size=(*SHAPE, 1)),
        labels()[..., None],
        sample_weight=np.ones(SHAPE, "f4"),
        epochs=2,
        verbose=0,
    )

    assert np.isfinite(history.history["loss"]).all()


def test_dice_by_hand():
    y = np.zeros((2, 2, 2, 2), "i4")
    y[0, 0] = 1
    p = np.zeros((2, 2, 2, 2, 2), "f4")
    p[..., 1] = 0.25
    p[..., 0] = 0.75
    loss = losses.Dice(smooth=0.0, from_logits=False, reduction=None)

    # Volume 0: 4 of 8 voxels; sums of p: 6 and 2. Volume 1: no voxel of class 1.
    expected = [
        1 - ((2 * 3) / (4 + 6) + (2 * 1) / (4 + 2)) / 2,
        1 - ((2 * 6) / (8 + 6) + 0) / 2,
    ]
    np.testing.assert_allclose(loss(y, p), expected, rtol=1e-6)

    squared = losses.Dice(smooth=0.0, squared=True, from_logits=False, reduction=None)
    first = 1 - (6 / (4 + 8 * 0.5625) + 2 / (4 + 8 * 0.0625)) / 2
    np.testing.assert_allclose(squared(y, p)[0], first, rtol=1e-6)


def test_dice_choices():
    y = np.zeros((2, 2, 2, 2), "i4")
    y[0, 0] = 1
    p = np.full((2, 2, 2, 2, 2), 0.5, "f4")
    common = {"smooth": 0.0, "from_logits": False, "reduction": None}

    foreground = losses.Dice(include_background=False, **common)
    present = losses.Dice(only_present=True, class_weights=[1, 3], **common)
    weighted = losses.Dice(class_weights=[0, 2], **common)
    batch = losses.Dice(per_sample=False, include_background=False, **common)

    np.testing.assert_allclose(foreground(y, p), [1 - 4 / 8, 1], rtol=1e-6)
    # Both classes of volume 0, weighing 1 and 3, class 0 of volume 1: 5 in all.
    each = [4 * (1 - 4 / 8) / 2.5, (1 - 8 / 12) / 2.5]
    np.testing.assert_allclose(present(y, p), each, rtol=1e-6)
    np.testing.assert_allclose(weighted(y, p), [0.5, 1], rtol=1e-6)
    np.testing.assert_allclose(batch(y, p), [1 - 4 / 12] * 2, rtol=1e-6)


def test_dice_of_a_class_absent_in_both_is_one():
    y = np.zeros((1, 2, 2, 2), "i4")
    p = one_hot(y, 2)

    assert value(losses.Dice(from_logits=False), y, p) == pytest.approx(0, abs=1e-6)
    assert value(losses.Dice(from_logits=False, smooth=0.0), y, p) == 0


def test_generalized_dice_by_hand():
    y = np.zeros((1, 2, 2, 2), "i4")
    y[0, 0, 0, 0] = 1
    p = np.full((1, 2, 2, 2, 2), 0.5, "f4")

    w = np.array([1 / 49, 1.0])
    expected = 1 - 2 * (w * [3.5, 0.5]).sum() / (w * [7 + 4, 1 + 4]).sum()
    found = value(losses.GeneralizedDice(from_logits=False), y, p)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smooth", [0.0, 1e-5])
def test_generalized_dice_without_any_foreground_costs_nothing(smooth):
    y = np.zeros((1, 2, 2, 2), "i4")
    loss = losses.GeneralizedDice(False, smooth=smooth, from_logits=False)

    assert value(loss, y, one_hot(y, 2)) == 0
    assert value(loss, y, np.full((1, 2, 2, 2, 2), 0.5, "f4")) == 0


def test_balanced_crossentropy_by_hand():
    y = np.zeros((2, 1, 1, 4), "i4")
    y[0, 0, 0, 0] = 1
    p = np.zeros((2, 1, 1, 4, 3), "f4")
    p[..., :] = (0.5, 0.25, 0.25)

    # N 8, C 3: class 0 counts 8 / (3 * 7), class 1 8 / 3, class 2 is absent.
    expected = (7 * 8 / 21 * -np.log(0.5) + 8 / 3 * -np.log(0.25)) / 8
    found = value(losses.BalancedCrossentropy(from_logits=False), y, p)
    assert found == pytest.approx(expected, rel=1e-5)


def test_median_frequency_weights_by_hand():
    # Frequencies: 0.5, 0.1, 0.02 of the volumes that have the class; 3 never occurs.
    found = losses.median_frequency_weights([50, 10, 1, 0], [100, 100, 50, 0])

    np.testing.assert_allclose(found, [0.2, 1.0, 5.0, 0.0])


@pytest.mark.parametrize(
    "wrong", [([1, 2], [1]), ([-1, 2], [3, 3]), ([4, 0], [3, 3]), ([0, 0], [5, 5])]
)
def test_median_frequency_refuses(wrong):
    with pytest.raises(ValueError, match="Received: voxels="):
        losses.median_frequency_weights(*wrong)


def test_median_frequency_crossentropy_by_hand():
    y = np.array([0, 1], "i4").reshape(1, 1, 1, 2)
    p = np.array([[0.5, 0.5], [0.75, 0.25]], "f4").reshape(1, 1, 1, 2, 2)

    loss = losses.MedianFrequencyCrossentropy([0.2, 3.0], from_logits=False)
    expected = (0.2 * -np.log(0.5) + 3 * -np.log(0.25)) / 2
    assert value(loss, y, p) == pytest.approx(expected, rel=1e-5)


def test_dice_crossentropy_is_the_sum():
    y, x = labels(), logits()
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    found = value(losses.DiceCrossentropy(2.0, 3.0), y, x)

    expected = 2 * value(losses.Dice(), y, x) + 3 * value(plain, y, x)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["BalancedCrossentropy", "Dice", "DiceCrossentropy"])
def test_one_channel_is_the_foreground(name):
    y = (labels() > 0).astype("i4")
    x = logits(classes=1)
    both = np.concatenate([np.zeros_like(x), x], -1)
    changes = {"class_weights": None} if "Dice" in name else {}
    if name == "BalancedCrossentropy":
        expected = value(make(name), y, both)
    elif name == "Dice":
        expected = value(make(name, **changes), y, both)
    else:
        crossentropy = value(losses.DiceCrossentropy(dice_weight=0.0), y, both)
        dice = value(losses.Dice(include_background=False), y, both)
        expected = crossentropy + 0.5 * dice

    assert value(make(name, **changes), y, x) == pytest.approx(expected, rel=1e-5)
    assert value(make(name, **changes), y[..., None], x) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("name", ALL)
def test_refuses_what_does_not_fit(name):
    loss, y, x = make(name), labels(), logits()
    with pytest.raises(ValueError, match=r"Received: y_true.shape=\(3, 4, 5\)"):
        loss(y[..., 0], x)
    with pytest.raises(ValueError, match=r"Received: y_true\.shape="):
        loss(one_hot(y, 4), x)
    with pytest.raises(ValueError, match="from 0 to 7"):
        loss(np.where(y == 2, 7, y), x)
    with pytest.raises(ValueError, match="from -1 to 2"):
        loss(tf.constant(np.where(y == 0, -1, y)), x)
    with pytest.raises(ValueError, match="not whole"):
        loss(y + 0.25 * (y == 1), x)
    with pytest.raises(ValueError, match=r"Received: y_true\.dtype"):
        loss(y.astype(str), x)
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]"):
        make(name, from_logits=False)(y, x)
    with pytest.raises(ValueError, match=r"Received: sample_weight\.shape"):
        loss(y, x, np.ones((*SHAPE, 2)))


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [0, 0], [], [np.nan, 1]])
def test_refuses_class_weights(weights):
    with pytest.raises(ValueError, match="`class_weights`"):
        losses.Dice(class_weights=weights)
    with pytest.raises(ValueError, match="one class weight a class"):
        losses.Dice(class_weights=[1.0, 2.0])(labels(), logits())


def test_refuses_volume_weights():
    with pytest.raises(ValueError, match="volume_weights='cubic'"):
        losses.GeneralizedDice(volume_weights="cubic")
