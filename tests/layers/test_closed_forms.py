"""Values worked out by hand or by another library."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from medzoo import layers
from medzoo.layers.warp import warp

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (2, 5, 6, 7, 2)).astype("f4")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def with_draw(layer, **drawn):
    """The layer with a draw of ours in place of a random one."""
    layer.draw = lambda data, seed: {k: np.asarray(v, "f4") for k, v in drawn.items()}
    return layer


def test_zscore_whole():
    found = numpy_of(layers.ZScore()(X))

    mean, deviation = X.mean((1, 2, 3), keepdims=True), X.std((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (X - mean) / deviation, atol=1e-5)


@pytest.mark.parametrize("region", ["foreground", "above_mean"])
def test_zscore_of_a_region(region):
    x = np.where(X > 2, X, 0)
    found = numpy_of(layers.ZScore(region=region)(x))

    for b in range(2):
        for c in range(2):
            one = x[b, ..., c]
            inside = one[one != 0 if region == "foreground" else one > one.mean()]
            expected = (one - inside.mean()) / inside.std()
            np.testing.assert_allclose(found[b, ..., c], expected, atol=1e-4)


@pytest.mark.parametrize("region", ["whole", "foreground", "above_mean"])
@pytest.mark.parametrize("value", [0, 7.3, -1e6])
def test_zscore_of_a_constant_is_zero(region, value):
    found = layers.ZScore(region=region)(np.full((1, 3, 3, 3, 1), value, "f4"))

    np.testing.assert_array_equal(found, np.zeros((1, 3, 3, 3, 1)))


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 1000), offset=st.floats(-5, 5))
def test_zscore_forgets_scale_and_offset(scale, offset):
    np.testing.assert_allclose(
        layers.ZScore()(scale * (X + offset)), layers.ZScore()(X), atol=1e-3
    )


def test_zscore_refuses_region():
    with pytest.raises(ValueError, match="Received: region='brain'"):
        layers.ZScore(region="brain")


@pytest.mark.parametrize("percentiles", [(0, 100), (10, 80)])
@pytest.mark.parametrize("clip", [True, False])
def test_rescale_intensity(percentiles, clip):
    layer = layers.RescaleIntensity((-2, 4), percentiles, clip)

    low, high = np.percentile(X, percentiles, axis=(1, 2, 3), keepdims=True)
    expected = (X - low) / (high - low) * 6 - 2
    expected = np.clip(expected, -2, 4) if clip else expected
    np.testing.assert_allclose(layer(X), expected, atol=1e-4)


def test_rescale_of_a_constant_is_the_lower_end():
    found = layers.RescaleIntensity((3, 9))(np.full((1, 2, 2, 2, 1), 5, "f4"))

    np.testing.assert_array_equal(found, np.full((1, 2, 2, 2, 1), 3))


@pytest.mark.parametrize("percentiles", [(5, 5), (90, 10), (-1, 50), (0, 101)])
def test_rescale_refuses_percentiles(percentiles):
    with pytest.raises(ValueError, match="Received: percentiles="):
        layers.RescaleIntensity(percentiles=percentiles)


@pytest.mark.parametrize("block", [1, 2])
def test_local_histogram_counts_neighbouring_levels(block):
    x = np.zeros((1, 2, 2, 2, 1), "f4")
    x[0, 0, 0, :, 0] = [2.5, 9]
    layer = layers.LocalHistogram([0, 2, 4], block, offset=0.5, scale=2)

    found = numpy_of(layer(x))

    shares = np.zeros((2, 2, 2, 2))
    shares[0, 0, :] = [[0.75, 0.25], [0, 1]]
    if block == 2:
        shares = shares.mean((0, 1, 2), keepdims=True)
    np.testing.assert_allclose(found[0], (shares - 0.5) * 2, atol=1e-6)
    inputs = keras.Input((2, 2, 2, 1))
    assert layer(inputs).shape == (None, *shares.shape)


@pytest.mark.parametrize("power", [0.3, 0.5])
def test_local_histogram_raises_shares_before_offset_and_scale(power):
    x = np.full((1, 2, 2, 2, 1), 9, "f4")
    x[0, 0, 0, 0] = 2.5
    settings = {"levels": [0, 2, 4], "block": 2}
    layer = layers.LocalHistogram(**settings, offset=0.5, scale=2, power=power)

    found = numpy_of(layer(x))

    shares = np.array([0.75, 0.25 + 7]) / 8
    np.testing.assert_allclose(found[0, 0, 0, 0], (shares**power - 0.5) * 2, atol=1e-6)
    again = layers.LocalHistogram.from_config(layer.get_config())
    np.testing.assert_array_equal(numpy_of(again(x)), found)
    # What no level holds gives no share, and never the root of a negative number.
    np.testing.assert_array_equal(numpy_of(layer(-np.abs(x))), -1.0)


@pytest.mark.parametrize("power", [0, -0.5, 1.5])
def test_local_histogram_refuses_powers(power):
    with pytest.raises(ValueError, match="Received: power="):
        layers.LocalHistogram([0, 2, 4], power=power)


def test_gamma():
    layer = with_draw(layers.RandomGamma(), gamma=np.reshape([2, 0.5], (2, 1, 1, 1, 1)))

    found = numpy_of(layer(X, training=True))

    low, high = X.min((1, 2, 3), keepdims=True), X.max((1, 2, 3), keepdims=True)
    share = (X - low) / (high - low)
    expected = low + (high - low) * share ** np.reshape([2, 0.5], (2, 1, 1, 1, 1))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_bias_field_is_linear_between_control_points():
    field = RNG.normal(size=(2, 3, 3, 3)).astype("f4")
    layer = with_draw(layers.RandomBiasField(control_points=3), field=field[..., None])

    found = np.log(numpy_of(layer(np.ones((2, 5, 9, 3, 1), "f4"), training=True)))

    index = np.stack(
        np.meshgrid(*[np.linspace(0, 2, n) for n in (5, 9, 3)], indexing="ij")
    )
    for b in range(2):
        expected = ndimage.map_coordinates(field[b], index, order=1)
        np.testing.assert_allclose(found[b, ..., 0], expected, atol=1e-5)


def test_noise_has_the_deviation_that_was_asked_for():
    x = np.full((1, 32, 32, 32, 1), -50, "f4")
    x[:, :16] = 0
    found = numpy_of(layers.RandomNoise((0.04, 0.04), seed=1)(x, training=True))

    assert (found[:, :16] == 0).all()
    assert found[:, 16:].std() == pytest.approx(2, rel=0.03)
    assert found[:, 16:].mean() == pytest.approx(-50, abs=0.05)
    everywhere = layers.RandomNoise((0.04, 0.04), foreground=False, seed=1)
    assert numpy_of(everywhere(x, training=True))[:, :16].std() > 1.9


@pytest.mark.parametrize("sigma", [0.4, 1.0])
def test_blur_agrees_with_scipy(sigma):
    layer = with_draw(layers.RandomGaussianBlur3D((0, 1.0)), sigma=[[sigma], [0]])

    found = numpy_of(layer(X, training=True))

    for c in range(2):
        expected = ndimage.gaussian_filter(
            X[0, ..., c], sigma, mode="nearest", radius=3
        )
        np.testing.assert_allclose(found[0, ..., c], expected, atol=1e-4)
    np.testing.assert_allclose(found[1], X[1], atol=1e-6)


def test_intensity_curve_keeps_order_zero_and_the_bright_level():
    x = np.abs(X[..., :1])
    found = numpy_of(layers.RandomIntensityCurve(1.0, seed=2)(x, training=True))

    for before, after in zip(x, found, strict=True):
        order = np.argsort(before.ravel())
        assert (np.diff(after.ravel()[order]) >= -1e-4).all()
    zeros = np.zeros_like(x)
    np.testing.assert_array_equal(
        layers.RandomIntensityCurve(1.0, seed=2)(zeros, training=True), zeros
    )


def test_intensity_curve_keeps_a_given_level():
    x = np.linspace(0.0, 2.0, 21, dtype="f4").reshape(1, 21, 1, 1, 1)
    found = numpy_of(layers.RandomIntensityCurve(0.8, 1.0, seed=2)(x, training=True))

    assert found[0, 10] == pytest.approx(1.0, abs=1e-5)
    assert np.abs(found - x).max() > 0.1
    with pytest.raises(ValueError, match="level=0"):
        layers.RandomIntensityCurve(level=0)


def test_intensity_map_keeps_zero_and_its_level_and_no_order():
    x = np.linspace(0.0, 2.0, 41, dtype="f4").reshape(1, 41, 1, 1, 1)
    found = numpy_of(layers.RandomIntensityMap(seed=1)(x, training=True)).ravel()

    assert found[0] == 0
    assert found[20] == pytest.approx(1.0, abs=1e-5)
    assert found.min() >= 0
    assert found.max() <= 1.6 + 1e-5
    assert (np.diff(found) < -1e-3).any()
    assert (np.diff(found) > 1e-3).any()
    beyond = numpy_of(layers.RandomIntensityMap(seed=1)(2 * x, training=True)).ravel()
    assert beyond[-1] == pytest.approx(found[-1], abs=1e-5)
    with pytest.raises(ValueError, match="level=0"):
        layers.RandomIntensityMap(level=0)


def test_scale_of_intensity_is_one_factor_a_volume_within_its_bounds():
    x = np.ones((300, 2, 1, 1, 1), "f4")
    found = numpy_of(layers.RandomScaleIntensity(0.1, seed=1)(x, training=True))

    assert (found[:, 0] == found[:, 1]).all()
    assert 1.09 < found.max() <= 1.1 + 1e-6
    assert 0.9 - 1e-6 <= found.min() < 0.91


def test_isotropic_scale_is_shared_by_all_axes():
    layer = layers.RandomAffine3D(0.0, 0.0, isotropic_scale=0.3, seed=4)
    x = np.zeros((50, 2, 2, 2, 1), "f4")
    matrix = numpy_of(layer.get_random_transformation({"images": x})["matrix"])

    size = matrix[:, 0, 0]
    np.testing.assert_allclose(matrix, size[:, None, None] * np.eye(3), atol=1e-6)
    assert np.log(size).std() > 0.1


@pytest.mark.parametrize(("axes", "flipped"), [(("LR",), 1), ((1,), 2), (("SI",), 3)])
def test_flip_mirrors_the_named_axis(axes, flipped):
    layer = layers.RandomFlip3D(axes)
    layer.draw = lambda data, seed: {"flip": np.array([[True], [False]])}

    found = numpy_of(layer(X, training=True))

    np.testing.assert_array_equal(found[0], np.flip(X, flipped)[0])
    np.testing.assert_array_equal(found[1], X[1])
    np.testing.assert_array_equal(layer(found, training=True), X)


def test_flip_is_drawn_for_half_of_the_volumes():
    x = np.arange(3.0)[None, :, None, None, None] * np.ones((400, 1, 1, 1, 1))
    found = numpy_of(layers.RandomFlip3D(seed=0)(x, training=True))

    assert 0.4 < (found[:, 0, 0, 0, 0] == 2).mean() < 0.6


@pytest.mark.parametrize("axis", [3, "RL", -1, "x"])
def test_flip_refuses_axes(axis):
    with pytest.raises(ValueError, match="Received: axes="):
        layers.RandomFlip3D((axis,))


def test_flip_takes_one_axis_bare_and_none_twice():
    assert layers.RandomFlip3D("PA").axes == ("PA",)
    assert layers.RandomFlip3D(2).axes == (2,)
    with pytest.raises(ValueError, match="each once"):
        layers.RandomFlip3D(("LR", 0))


def test_affine_of_no_magnitude_is_the_identity():
    layer = layers.RandomAffine3D(rotation=0, scale=0, shear=0, shift=0)

    np.testing.assert_allclose(layer(X, training=True), X, atol=1e-5)


def test_affine_quarter_turn_about_the_centre():
    matrix = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    layer = with_draw(
        layers.RandomAffine3D(), matrix=[matrix] * 2, shift=np.zeros((2, 3))
    )
    x = X[:, :, :5]

    found = numpy_of(layer(x, training=True))

    np.testing.assert_allclose(found, np.rot90(x, -1, (1, 2)), atol=1e-5)


def test_affine_draws_stay_within_their_bounds():
    layer = layers.RandomAffine3D(rotation=30, scale=0.2, shift=3, seed=0)
    drawn = layer.draw({"images": np.zeros((200, 2, 2, 2, 1))}, layer.generator)
    matrix, shift = numpy_of(drawn["matrix"]), numpy_of(drawn["shift"])

    sizes = np.linalg.norm(matrix, axis=1)
    assert (
        np.exp(-0.2) - 1e-5
        <= sizes.min()
        < 0.9
        < 1.1
        < sizes.max()
        <= np.exp(0.2) + 1e-5
    )
    assert (np.linalg.det(matrix) > 0).all()
    assert 2.5 < np.abs(shift).max() <= 3
    rotation = matrix / sizes[:, None]
    np.testing.assert_allclose(
        rotation @ rotation.transpose(0, 2, 1),
        np.repeat([np.eye(3)], 200, 0),
        atol=1e-5,
    )


@pytest.mark.parametrize(("interpolation", "order"), [("linear", 1), ("nearest", 0)])
def test_warp_agrees_with_scipy(interpolation, order):
    index = RNG.uniform(-2, 8, (2, 4, 4, 4, 3)).astype("f4")

    found = numpy_of(warp(X, index, interpolation=interpolation, background=-3.0))

    for b in range(2):
        for c in range(2):
            # Padding shows what scipy's own border handling does not: half-outside.
            padded = np.pad(X[b, ..., c], 4, constant_values=-3)
            at = np.moveaxis(index[b], -1, 0) + 4
            expected = ndimage.map_coordinates(padded, at, order=order, cval=-3)
            np.testing.assert_allclose(found[b, ..., c], expected, atol=1e-4)


def test_pad_channels():
    found = numpy_of(layers.PadChannels(5)(X))

    np.testing.assert_array_equal(found[..., 1:3], X)
    assert not found[..., [0, 3, 4]].any()
    layer = layers.PadChannels(5)
    assert layers.PadChannels.from_config(layer.get_config()).filters == 5
    assert layer.compute_output_shape((None, 2, 3, 4, 2)) == (None, 2, 3, 4, 5)
    np.testing.assert_array_equal(layers.PadChannels(2)(X), X)


@pytest.mark.parametrize("symbolic", [True, False])
def test_pad_channels_cannot_narrow(symbolic):
    x = keras.Input((2, 2, 2, 2)) if symbolic else X
    with pytest.raises(ValueError, match="only add channels"):
        layers.PadChannels(1)(x)
