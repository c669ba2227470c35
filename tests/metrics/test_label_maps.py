import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo.metrics import AbsoluteVolumeDifference, DiceScore

SHAPE = (2, 2, 2, 2)


def maps():
    """Volume 0: class 1 in 4 of 8 voxels, 3 found. Volume 1: class 2, none found."""
    true = np.zeros(SHAPE, "i4")
    true[0, 0] = 1
    true[1, 0, 0, 0] = 2
    predicted = np.zeros(SHAPE, "i4")
    predicted[0, 0] = 1
    predicted[0, 0, 0, 0] = 0
    return true, predicted


def number(metric):
    return float(keras.ops.convert_to_numpy(metric.result()))


def test_dice_per_volume_by_hand():
    true, predicted = maps()
    metric = DiceScore(num_classes=4)
    metric.update_state(true, predicted)

    # Class 1: 6 / 7 in volume 0, in neither map of volume 1. Class 2: 0. Class 3: none.
    found = keras.ops.convert_to_numpy(metric.per_class())
    np.testing.assert_allclose(found[1:], [6 / 7, 0, np.nan], rtol=1e-6, equal_nan=True)
    assert number(metric) == pytest.approx(3 / 7)
    assert found[0] == pytest.approx((2 * 4 / 9 + 2 * 7 / 15) / 2)


def test_dice_is_streamed():
    true, predicted = maps()
    one, two = DiceScore(num_classes=3), DiceScore(num_classes=3)
    one.update_state(true, predicted)
    for volume in (0, 1):
        two.update_state(true[volume : volume + 1], predicted[volume : volume + 1])

    assert number(one) == pytest.approx(number(two))
    one.reset_state()
    assert np.isnan(number(one))


def test_dice_of_all_voxels_together():
    true = np.zeros(SHAPE, "i4")
    true[0] = 1
    predicted = np.zeros(SHAPE, "i4")
    predicted[0, 0] = 1
    predicted[1, 0, 0, 0] = 1
    per_volume, together = DiceScore(2), DiceScore(2, per_volume=False)
    for metric in (per_volume, together):
        metric.update_state(true, predicted)

    assert number(per_volume) == pytest.approx((2 * 4 / 12 + 0) / 2)
    assert number(together) == pytest.approx(2 * 4 / (8 + 5))


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_forms_of_predictions_agree(make):
    true, predicted = maps()
    one_hot = np.eye(3, dtype="f4")
    expected = make(3)
    expected.update_state(true, predicted)

    for y, p in (
        (true[..., None], predicted[..., None]),
        (one_hot[true], 5 * one_hot[predicted]),
        (true.astype("f4"), one_hot[predicted]),
    ):
        metric = make(3)
        metric.update_state(y, p)
        assert number(metric) == number(expected)


@pytest.mark.parametrize(("from_logits", "level"), [(True, 0.0), (False, 0.5)])
def test_one_channel_is_the_foreground(from_logits, level):
    true, predicted = (m == 1 for m in maps())
    metric = DiceScore(2, from_logits=from_logits)

    metric.update_state(true, (predicted * 0.2 - 0.1 + level).astype("f4")[..., None])

    assert number(metric) == pytest.approx(6 / 7)


def test_class_and_background():
    true, predicted = maps()
    one = DiceScore(3, class_id=1)
    with_background = DiceScore(3, include_background=True)
    for metric in (one, with_background):
        metric.update_state(true, predicted)

    background = (8 / 9 + 14 / 15) / 2
    assert number(one) == pytest.approx(6 / 7)
    assert number(with_background) == pytest.approx((background + 6 / 7) / 3)


def test_weights_of_volumes_and_voxels():
    true, predicted = maps()
    volumes, voxels = DiceScore(3), DiceScore(3)
    volumes.update_state(true, predicted, [1.0, 0.0])
    weight = np.ones(SHAPE)
    weight[0, 0, 0, 0] = 0
    weight[1] = 0
    voxels.update_state(true, predicted, weight)

    assert number(volumes) == pytest.approx(6 / 7)
    assert number(voxels) == pytest.approx(1)


def test_volume_difference_by_hand():
    true, predicted = maps()
    metric = AbsoluteVolumeDifference(4)
    metric.update_state(true, predicted)

    found = keras.ops.convert_to_numpy(metric.per_class())
    np.testing.assert_allclose(found[1:], [25, 100, np.nan], equal_nan=True)
    assert number(metric) == pytest.approx(62.5)


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_works_in_fit_and_is_saved(make, tmp_path):
    inputs = keras.Input((4, 4, 4, 1))
    model = keras.Model(inputs, keras.layers.Conv3D(3, 1)(inputs))
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[make(3)],
    )
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (2, 4, 4, 4, 1))
    history = model.fit(rng.normal(size=y.shape), y, verbose=0)

    assert np.isfinite(history.history[make(3).name]).all()
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_config_round_trip(make):
    metric = make(5, include_background=True, class_id=3, from_logits=False)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert saved["registered_name"] == f"medzoo>{make.__name__}"
    assert copy.get_config() == metric.get_config()
    assert copy.get_config()["class_id"] == 3


def test_refuses():
    true, predicted = maps()
    with pytest.raises(ValueError, match="Received: num_classes=1"):
        DiceScore(1)
    with pytest.raises(ValueError, match="class_id=3"):
        DiceScore(3, class_id=3)
    with pytest.raises(ValueError, match="y_true from 0 to 2"):
        DiceScore(2).update_state(true, np.minimum(predicted, 1))
    with pytest.raises(ValueError, match=r"y_pred\.shape=\(2, 2, 2\)"):
        DiceScore(3).update_state(true, predicted[0])
    with pytest.raises(ValueError, match="volumes of one size"):
        DiceScore(3).update_state(true, predicted[:, :1])
    with pytest.raises(ValueError, match="a score for each of 3 classes"):
        DiceScore(3).update_state(true, predicted.astype("f4"))


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_refuses_labels_and_probabilities(make):
    true, predicted = maps()
    for y, p, said in (
        (true + 0.5 * (true == 1), predicted, "y_true from 0 to 2, not whole"),
        (true.astype(str), predicted, r"Received: y_true\.dtype="),
        (np.where(true == 1, np.nan, true), predicted, "y_true from nan"),
        (true, -predicted, "y_pred from -1 to 0"),
        (3 * np.eye(3)[true], predicted, "one-hot labels in .* from 0 to 3"),
    ):
        with pytest.raises(ValueError, match=said):
            make(3).update_state(y, p)
    with pytest.raises(ValueError, match=r"probabilities in .* from 0 to 1\.5"):
        make(2, from_logits=False).update_state(true == 1, 1.5 * predicted)


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_refuses_sizes_that_differ(make):
    true, predicted = maps()
    with pytest.raises(ValueError, match="volumes of one size"):
        make(3).update_state(true, predicted[:1])
    for shape in ((3,), (2, 2), (2, 2, 2), (2, 2, 2, 1), (1, 2, 2, 2)):
        with pytest.raises(ValueError, match=r"Received: sample_weight\.shape="):
            make(3).update_state(true, predicted, np.ones(shape))


@pytest.mark.parametrize("make", [DiceScore, AbsoluteVolumeDifference])
def test_sizes_that_are_not_known_beforehand(make):
    true, predicted = maps()
    scores = np.eye(3, dtype="f4")[predicted]
    expected, metric = make(3), make(3)
    expected.update_state(true, predicted)

    @tf.function(
        input_signature=[
            tf.TensorSpec(SHAPE, "int32"),
            tf.TensorSpec([None] * 4 + [3]),
            tf.TensorSpec([None, 1]),
        ]
    )
    def update(y, p, w):
        metric.update_state(y, p, w)

    update(true, scores, np.ones((2, 1), "f4"))

    assert number(metric) == number(expected)
