"""PartialLabels: what a label that may be several classes teaches."""

import keras
import numpy as np
import pytest

from medzoo import losses


def example(seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(2, 3, 4, 2, 3)).astype("float32")
    index = generator.integers(0, 3, (2, 3, 4, 2))
    return np.eye(3, dtype="float32")[index], logits


def crossentropy():
    return losses.DiceCrossentropy(dice_weight=0.0)


def test_complete_labels_give_the_inner_loss():
    target, logits = example()
    for inner in (losses.DiceCrossentropy(), losses.Dice(), losses.GeneralizedDice()):
        np.testing.assert_allclose(
            losses.PartialLabels(inner)(target, logits),
            inner(target, logits),
            rtol=1e-4,
        )


def test_gradient_is_that_of_the_sum_of_the_possible_classes():
    import tensorflow as tf

    target, logits = example()
    target[..., 2] = target[..., 1] = np.maximum(target[..., 1], target[..., 2])

    def gradient(function):
        x = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)

    def log_of_sum(x):
        p = tf.nn.softmax(x)
        return -tf.reduce_mean(tf.math.log(tf.reduce_sum(target * p, -1)))

    loss = losses.PartialLabels(crossentropy())
    np.testing.assert_allclose(
        gradient(lambda x: loss(target, x)), gradient(log_of_sum), atol=1e-5
    )


def test_weights_of_voxels_reach_the_inner_loss():
    target, logits = example()
    weights = np.zeros(target.shape[:-1], "float32")
    weights[:, 0] = 1
    loss = losses.PartialLabels(crossentropy())
    inner = crossentropy()(target, logits, weights)
    np.testing.assert_allclose(loss(target, logits, weights), inner, rtol=1e-4)
    assert inner < 0.5 * crossentropy()(target, logits)


def test_configuration_makes_an_equal_loss():
    target, logits = example(1)
    loss = losses.PartialLabels(losses.DiceCrossentropy(squared=True))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.loss.squared
    np.testing.assert_array_equal(again(target, logits), loss(target, logits))
    with pytest.raises(ValueError, match="loss"):
        losses.PartialLabels("mse")


def test_class_indices_leave_nothing_open():
    target, logits = example(2)
    loss = losses.PartialLabels(losses.DiceCrossentropy())
    index = target.argmax(-1)

    np.testing.assert_allclose(loss(index, logits), loss(target, logits), rtol=1e-6)
    np.testing.assert_allclose(
        loss(index[..., None], logits), loss(target, logits), rtol=1e-6
    )


def test_one_channel_is_the_foreground():
    target, logits = example(3)
    foreground = target[..., 1:2]
    inner = losses.DiceCrossentropy()

    np.testing.assert_allclose(
        losses.PartialLabels(inner)(foreground, logits[..., :1]),
        inner(foreground, logits[..., :1]),
        rtol=1e-6,
    )


def test_refuses_what_does_not_fit():
    target, logits = example()
    loss = losses.PartialLabels(losses.DiceCrossentropy())
    with pytest.raises(ValueError, match=r"Received: y_true\.shape=\(2, 3, 4, 2, 2\)"):
        loss(target[..., :2], logits)
    with pytest.raises(ValueError, match="from 0 to 7"):
        loss(np.full(target.shape[:-1], [0, 7]), logits)
