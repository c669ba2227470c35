"""LabelSetDiceCrossentropy: equal to plain losses without unions, and with them."""

import keras
import numpy as np
import pytest

from medzoo import losses


def example(seed=0, classes=5):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(2, 3, 4, 2, classes)).astype("f4")
    return generator.integers(0, classes, (2, 3, 4, 2)), logits


def test_without_unions_it_is_dice_and_crossentropy_of_what_is_present():
    labels, logits = example()
    labels[labels == 4] = 1
    found = losses.LabelSetDiceCrossentropy()(labels, logits)

    expected = []
    for one, own in zip(labels, logits, strict=True):
        plain = losses.DiceCrossentropy(
            include_background=False, only_present=True, smooth=1.0
        )
        expected.append(float(plain(one[None], own[None])))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_union_counts_the_sum_of_its_classes():
    labels, logits = example()
    either = np.where(np.isin(labels, [2, 3]), 5, labels)
    loss = losses.LabelSetDiceCrossentropy(unions={"5": [2, 3]}, dice_weight=0.0)

    p = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    own = np.take_along_axis(p, labels[..., None], -1)[..., 0]
    own = np.where(either == 5, p[..., 2] + p[..., 3], own)
    found = float(loss(either, logits))
    assert found == pytest.approx(-np.log(own).mean(), rel=1e-5)


def test_dice_of_a_union_compares_with_all_of_its_classes():
    labels = np.full((1, 2, 2, 2), 5)
    logits = np.full((1, 2, 2, 2, 5), -20.0, "f4")
    logits[0, 0, ..., 2] = logits[0, 1, ..., 3] = 20.0
    loss = losses.LabelSetDiceCrossentropy(unions={5: [2, 3]})

    assert float(loss(labels, logits)) == pytest.approx(0.0, abs=1e-5)
    assert float(loss(np.full((1, 2, 2, 2), 2), logits)) > 10


def test_gradients_are_finite_for_hopeless_voxels():
    import tensorflow as tf

    labels, _ = example()
    x = tf.constant(np.where(np.eye(5)[labels] > 0, -200.0, 200.0).astype("f4"))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = losses.LabelSetDiceCrossentropy()(labels, x)
    assert np.isfinite(float(value))
    assert np.isfinite(tape.gradient(value, x)).all()


def test_labels_may_have_a_channel_axis():
    labels, logits = example()
    loss = losses.LabelSetDiceCrossentropy()
    assert float(loss(labels[..., None], logits)) == pytest.approx(
        float(loss(labels, logits))
    )


@pytest.mark.parametrize("unions", [{4: [1]}, {6: [1]}, {5: [5]}])
def test_unions_go_on_from_the_classes(unions):
    labels, logits = example()
    with pytest.raises(ValueError, match="unions"):
        losses.LabelSetDiceCrossentropy(unions=unions)(labels, logits)


def test_configuration_makes_the_same_loss():
    loss = losses.LabelSetDiceCrossentropy(unions={5: [2, 3]}, smooth=0.5)
    other = losses.LabelSetDiceCrossentropy.from_config(loss.get_config())
    labels, logits = example()
    labels[0] = 5
    assert float(loss(labels, logits)) == float(other(labels, logits))


def test_weights_of_voxels_are_refused():
    labels = np.zeros((2, 2, 2, 2), np.int32)
    logits = np.zeros((2, 2, 2, 2, 3), np.float32)
    loss = losses.LabelSetDiceCrossentropy()
    with pytest.raises(ValueError, match="weights volumes, not voxels"):
        loss(labels, logits, np.ones((2, 2, 2, 2), np.float32))
    whole = float(loss(labels, logits))
    half = float(loss(labels, logits, np.array([0.5, 0.5], np.float32)))
    assert half == pytest.approx(whole / 2)
