"""ZScore over a mask, windows and ranges, histogram standardisation."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from medzoo import layers
from medzoo.layers.clip_intensity import WINDOWS

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (2, 5, 6, 7, 2)).astype("f4")
MASK = (RNG.random((2, 5, 6, 7, 1)) < 0.4).astype("i4") * 3


@pytest.mark.parametrize("key", ["segmentation_masks", "weights"])
@pytest.mark.parametrize("batched", [True, False])
def test_zscore_over_a_mask(key, batched):
    data = {"images": X, key: MASK}
    if not batched:
        data = {k: v[0] for k, v in data.items()}

    found = np.array(layers.ZScore(region="mask")(data)["images"])

    for b in range(2 if batched else 1):
        for c in range(2):
            inside = X[b, ..., c][MASK[b, ..., 0] > 0]
            expected = (X[b, ..., c] - inside.mean()) / inside.std()
            one = found[b] if batched else found
            np.testing.assert_allclose(one[..., c], expected, atol=1e-4)


def test_zscore_prefers_the_label_map_to_weights():
    data = {
        "images": X,
        "segmentation_masks": MASK,
        "weights": np.ones_like(X[..., :1]),
    }

    found = layers.ZScore(region="mask")(data)["images"]

    del data["weights"]
    np.testing.assert_array_equal(found, layers.ZScore(region="mask")(data)["images"])


def test_an_empty_mask_is_the_whole_volume():
    data = {
        "images": X,
        "segmentation_masks": MASK * np.reshape([0, 1], (2, 1, 1, 1, 1)),
    }

    found = np.array(layers.ZScore(region="mask")(data)["images"])

    np.testing.assert_allclose(found[0], layers.ZScore()(X[:1])[0], atol=1e-5)
    assert np.abs(found[1] - layers.ZScore()(X[1:])[0]).max() > 0.01


@pytest.mark.parametrize("data", [X, {"images": X, "labels": np.zeros(2)}])
@pytest.mark.parametrize("name", ["ZScore", "HistogramStandardize"])
def test_region_mask_needs_a_mask(name, data):
    with pytest.raises(ValueError, match=f"{name} with region=.*Received: keys="):
        getattr(layers, name)(region="mask")(data)


def test_rescale_of_a_given_range():
    x = np.array([-1000, -200, 300, 900], "f4").reshape(1, 4, 1, 1, 1)

    cut = layers.RescaleIntensity((-1, 1), in_range=(-200, 300))(x)
    open_ended = layers.RescaleIntensity((-1, 1), clip=False, in_range=(-200, 300))(x)

    np.testing.assert_allclose(np.ravel(cut), [-1, -1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(np.ravel(open_ended), [-4.2, -1, 1, 3.4], atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{"in_range": (3, 3)}, {"in_range": (0, 1), "percentiles": (1, 99)}],
)
def test_rescale_refuses_a_range(arguments):
    with pytest.raises(
        ValueError, match=r"`in_range` must ascend.*Received: in_range="
    ):
        layers.RescaleIntensity(**arguments)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_cut_at_centre_plus_and_minus_half_the_width(name):
    centre, width = WINDOWS[name]
    x = np.linspace(-3000, 3000, 601, dtype="f4").reshape(1, -1, 1, 1, 1)
    layer = layers.ClipIntensity(window=name)

    found = np.array(layer(x))

    assert layer.limits == (centre - width / 2, centre + width / 2)
    np.testing.assert_array_equal(found, np.clip(x, *layer.limits))


def test_windows_that_everybody_knows():
    assert layers.ClipIntensity(window="brain").limits == (0, 80)
    assert layers.ClipIntensity(window="lung").limits == (-1350, 150)
    assert layers.ClipIntensity(window="abdomen").limits == (-150, 250)


def test_clip_with_an_open_end():
    np.testing.assert_array_equal(layers.ClipIntensity(low=2)(X), np.maximum(X, 2))
    np.testing.assert_array_equal(layers.ClipIntensity(high=2)(X), np.minimum(X, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either `low`.*Received: low=None, high=None, window=None"),
        ({"low": 0, "window": "brain"}, "either `low`.*Received: low=0"),
        ({"window": "knee"}, "`window` must be one of.*Received: window='knee'"),
        ({"low": 2, "high": 2}, "`low` must be below.*Received: low=2, high=2"),
    ],
)
def test_clip_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.ClipIntensity(**arguments)


def scans(count=3, channels=1):
    """Scans of one distribution on scales that differ, a third of them background."""
    rng = np.random.default_rng(3)
    shapes = [(11, 12, 13 + i, channels) for i in range(count)]
    return [
        np.where(rng.random(s) < 0.3, 0, 7**i * (2 + rng.gamma(3, 1, s))).astype("f4")
        for i, s in enumerate(shapes)
    ]


def test_adapted_landmarks_are_mean_percentiles_on_the_common_scale():
    layer = layers.HistogramStandardize(percentiles=(2, 50, 98), out_range=(10, 20))
    data = scans()

    layer.adapt(data)

    shares = []
    for x in data:
        low, middle, high = np.percentile(x[x != 0], (2, 50, 98))
        shares.append((middle - low) / (high - low))
    np.testing.assert_allclose(
        layer.landmarks, [[10, 10 + 10 * np.mean(shares), 20]], rtol=1e-5
    )


def test_percentiles_fall_on_the_landmarks_and_order_stays():
    layer = layers.HistogramStandardize()
    data = scans(channels=2)
    layer.adapt(data)

    for x in data:
        found = np.array(layer(x))
        for c in range(2):
            inside = found[..., c][x[..., c] != 0]
            np.testing.assert_allclose(
                np.percentile(inside, layer.percentiles), layer.landmarks[c], atol=1e-3
            )
            order = np.argsort(x[..., c], axis=None)
            assert (np.diff(found[..., c].ravel()[order]) >= -1e-5).all()


def test_pieces_are_linear_between_and_beyond_percentiles():
    x = np.arange(101, dtype="f4").reshape(1, 101, 1, 1, 1)
    arguments = {"percentiles": (10, 50, 90), "region": "whole"}
    layer = layers.HistogramStandardize([0, 4, 12], **arguments)
    cut = layers.HistogramStandardize([0, 4, 12], clip=True, **arguments)

    # Slope 0.1 up to the median of 50, then 0.2.
    expected = np.where(x < 50, 0.1 * (x - 10), 4 + 0.2 * (x - 50))
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)
    np.testing.assert_allclose(cut(x), np.clip(expected, 0, 12), atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.01, 1000), offset=st.floats(0, 5))
def test_standardised_volumes_forget_scale_and_offset(scale, offset):
    layer = layers.HistogramStandardize(np.linspace(0, 1, 11).tolist())
    x = np.abs(X) + 1

    np.testing.assert_allclose(layer(scale * (x + offset)), layer(x), atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_constant_volume_becomes_the_first_landmark(value):
    layer = layers.HistogramStandardize([2, 3, 9], percentiles=(1, 50, 99))

    found = layer(np.full((1, 3, 3, 3, 1), value, "f4"))

    np.testing.assert_array_equal(found, np.full((1, 3, 3, 3, 1), 2))


def test_percentiles_that_coincide_leave_a_step():
    # Half of all voxels have one value: the lower two percentiles are the same.
    x = np.array([5] * 6 + [6, 7, 8, 9, 10], "f4").reshape(1, 11, 1, 1, 1)
    layer = layers.HistogramStandardize([0, 3, 4], (0, 50, 100), region="whole")

    found = np.ravel(layer(x))

    np.testing.assert_allclose(found, [0] * 6 + [3.2, 3.4, 3.6, 3.8, 4], atol=1e-5)


def test_adapt_takes_what_fit_takes():
    data = np.stack([s[:, :, :13] for s in scans(4)])
    expected = layers.HistogramStandardize()
    expected.adapt(data)
    dataset = tf.data.Dataset.from_tensor_slices((data, np.arange(4))).batch(2)

    for given_data in (list(data), dataset, [{"images": data[:1]}, data[1:]]):
        layer = layers.HistogramStandardize()
        layer.adapt(given_data)
        np.testing.assert_allclose(layer.landmarks, expected.landmarks, atol=1e-6)


def test_adapt_forgets_what_was_before_and_leaves_out_constants():
    first, *others = scans()
    layer, other = layers.HistogramStandardize(), layers.HistogramStandardize()
    layer.adapt(others)
    layer.adapt([first, np.ones((3, 3, 3, 1))])
    other.adapt([first])

    assert layer.landmarks == other.landmarks
    with pytest.raises(ValueError, match="At least one volume"):
        layer.adapt([np.ones((3, 3, 3, 1))])


def test_adapt_over_a_mask():
    layer = layers.HistogramStandardize(percentiles=(0, 50, 100), region="mask")
    layer.adapt({"images": X, "segmentation_masks": MASK})

    for c in range(2):
        inside = [X[b, ..., c][MASK[b, ..., 0] > 0] for b in range(2)]
        shares = [(np.median(i) - i.min()) / (i.max() - i.min()) for i in inside]
        assert layer.landmarks[c][1] == pytest.approx(np.mean(shares), abs=1e-5)


def test_what_was_learnt_is_saved_with_a_model(tmp_path):
    data = scans(channels=2)
    layer = layers.HistogramStandardize()
    layer.adapt(data)
    model = keras.Sequential([keras.Input((None, None, None, 2)), layer])
    expected = model(data[0][None])

    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fresh = keras.Sequential(
        [keras.Input((None, None, None, 2)), layers.HistogramStandardize()]
    )
    fresh.load_weights(tmp_path / "model.weights.h5")
    config = json.loads(json.dumps(layer.get_config()))
    copy = layers.HistogramStandardize.from_config(config)

    for one in (loaded, fresh, copy):
        np.testing.assert_array_equal(one(data[0][None]), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"percentiles": (5,)}, "`percentiles` must be at least two and ascend"),
        ({"percentiles": (5, 3)}, "ascend. Received: percentiles="),
        ({"percentiles": (-1, 50)}, r"`percentiles` must lie within \[0, 100\]"),
        ({"out_range": (1, 1)}, "`out_range` must ascend. Received: out_range="),
        ({"region": "brain"}, "`region` must be one of.*Received: region='brain'"),
        ({"landmarks": [0, 1]}, r"`landmarks` must be one a percentile \(11\)"),
        ({"landmarks": list(range(11))[::-1]}, "ascend. Received: landmarks="),
    ],
)
def test_histogram_standardize_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.HistogramStandardize(**arguments)


def test_histogram_standardize_needs_landmarks_of_the_channels():
    with pytest.raises(ValueError, match=r"call adapt\(\) first"):
        layers.HistogramStandardize()(X)
    with pytest.raises(ValueError, match="Received: 2 channels, 3 lists"):
        layers.HistogramStandardize([[0, 1]] * 3, percentiles=(1, 99))(X)
