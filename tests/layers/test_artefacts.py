"""Random layers of intensity: levels, contrast, resolution, k-space, holes."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo import layers

RNG = np.random.default_rng(0)
X = RNG.uniform(1, 9, (3, 8, 9, 10, 2)).astype("f4")

ZERO = {
    "RandomContrast3D": {"factor": 0, "per_channel": True},
    "RandomErasing3D": {"size": (0, 0), "num_boxes": 2},
    "RandomGhosting": {"intensity": (0, 0)},
    "RandomLowResolution": {"downsampling": (1, 1), "anisotropic": False},
    "RandomNoise": {"stddev": (0, 0), "kind": "rician"},
    "RandomShiftIntensity": {"stddev": 0},
    "RandomSpike": {"intensity": (0, 0), "num_spikes": 2},
    "RandomChannelDropout": {"probability": 0},
}
NOTHING = {
    "RandomErasing3D": {"num_boxes": 0},
    "RandomSpike": {"num_spikes": 0},
}


def given_draw(layer, images, **drawn):
    drawn = {key: np.asarray(value) for key, value in drawn.items()}
    drawn["chosen"] = np.ones(len(images), bool)
    return np.array(layer.apply_transformation(images, drawn))


@pytest.mark.parametrize(("name", "arguments"), [*ZERO.items(), *NOTHING.items()])
def test_no_magnitude_is_exactly_the_identity(name, arguments):
    x = X - 5 * (name == "RandomNoise")

    np.testing.assert_array_equal(
        getattr(layers, name)(**arguments)(x, training=True), x
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("HistogramStandardize", {"landmarks": [0, 1, 2], "percentiles": (1, 50, 99)}),
        ("RandomGaussianBlur3D", {}),
        ("RandomChannelDropout", {}),
        ("RandomContrast3D", {}),
        ("RandomErasing3D", {}),
        ("RandomGhosting", {"num_ghosts": (2, 3)}),
        ("RandomLowResolution", {"per_channel": True}),
        ("RandomNoise", {"kind": "rician"}),
        ("RandomShiftIntensity", {}),
        ("RandomSpike", {}),
        ("RescaleIntensity", {"percentiles": (1, 99)}),
    ],
)
def test_sizes_need_not_be_known(name, arguments):
    layer, other = (getattr(layers, name)(**arguments, seed=1) for _ in range(2))
    function = tf.function(
        lambda x: layer(x, training=True),
        input_signature=[tf.TensorSpec((None, None, None, None, 2), "float32")],
    )

    np.testing.assert_allclose(function(X), other(X, training=True), atol=1e-4)


def test_shift_is_one_normal_number_a_channel():
    x = np.ones((500, 2, 1, 1, 3), "f4")

    found = (
        np.array(
            layers.RandomShiftIntensity(0.5, per_channel=True, seed=1)(x, training=True)
        )
        - 1
    )
    shared = layers.RandomShiftIntensity(0.5, seed=1)(x, training=True)

    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    assert found[:, 0].std() == pytest.approx(0.5, rel=0.1)
    assert found[:, 0].mean() == pytest.approx(0, abs=0.05)
    assert abs(np.corrcoef(found[:, 0, 0, 0].T)[0, 1]) < 0.2
    np.testing.assert_array_equal(shared[..., 0], shared[..., 2])
    assert np.array(shared).std() > 0.4


@pytest.mark.parametrize("preserve_range", [True, False])
def test_contrast_scales_the_distance_from_the_mean(preserve_range):
    layer = layers.RandomContrast3D(preserve_range=preserve_range)
    factor = np.reshape([0.5, 1, 2], (3, 1, 1, 1, 1)).astype("f4")

    found = given_draw(layer, X, factor=factor)

    mean = X.mean((1, 2, 3), keepdims=True)
    expected = mean + (X - mean) * factor
    if preserve_range:
        low, high = X.min((1, 2, 3), keepdims=True), X.max((1, 2, 3), keepdims=True)
        expected = np.clip(expected, low, high)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["RandomContrast3D", "RandomScaleIntensity"])
@pytest.mark.parametrize(
    ("factor", "low", "high"), [(0.3, 0.7, 1.3), ((0.5, 0), 0.5, 1)]
)
def test_factor_means_what_it_means_in_keras(name, factor, low, high):
    layer = getattr(layers, name)(factor, seed=1)

    drawn = layer.draw({"images": np.zeros((2000, 1, 1, 1, 1), "f4")}, layer.generator)

    drawn = np.array(drawn["factor"])
    assert low <= drawn.min() < low + 0.01
    assert high - 0.01 < drawn.max() <= high
    assert layer.get_config()["factor"] == factor


def test_every_layer_shares_a_draw_between_channels_by_default():
    found = {
        name: parameters["per_channel"].default
        for name in layers.__all__
        if "per_channel"
        in (parameters := inspect.signature(getattr(layers, name)).parameters)
    }
    assert len(found) >= 4
    assert set(found.values()) == {False}


@pytest.mark.parametrize("name", layers.__all__)
def test_a_name_that_keras_has_carries_3d(name):
    assert not hasattr(keras.layers, name)


def test_rician_noise_has_the_mean_of_a_rayleigh_distribution_where_there_is_nothing():
    x = np.zeros((1, 40, 40, 20, 1), "f4")
    x[:, :, 20:] = 10
    layer = layers.RandomNoise((0.1, 0.1), foreground=False, kind="rician", seed=2)

    found = np.array(layer(x, training=True))

    air = found[:, :, :20]
    assert air.min() >= 0
    assert air.mean() == pytest.approx(np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(np.sqrt(2 - np.pi / 2), rel=0.02)
    # Far above the noise: Gaussian, its mean raised by sigma^2 / (2 signal).
    assert found[:, :, 20:].mean() == pytest.approx(10 + 1 / 20, abs=0.03)
    assert found[:, :, 20:].std() == pytest.approx(1, rel=0.03)


def test_gaussian_noise_is_what_it_was_before_there_were_kinds():
    layer = layers.RandomNoise(seed=3)
    drawn = layer.get_random_transformation(X, seed=5)

    assert set(drawn) == {"noise", "chosen"}
    with pytest.raises(ValueError, match="Received: kind='poisson'"):
        layers.RandomNoise(kind="poisson")


def test_low_resolution_averages_blocks_of_whole_factors():
    layer = layers.RandomLowResolution(axes=(0,))
    x = X[:1]

    found = given_draw(layer, x, factors=np.array([[2, 1, 1]], "f4"))

    blocks = x.reshape(1, 4, 2, 9, 10, 2).mean(2)
    # Voxel centres lie a quarter of a slice from the slice's centre.
    np.testing.assert_allclose(found[:, 0], blocks[:, 0], atol=1e-5)
    expected = 0.75 * blocks[:, 0] + 0.25 * blocks[:, 1]
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-5)


def test_low_resolution_without_averages_keeps_single_voxels():
    layer = layers.RandomLowResolution(axes=("IS",), antialias=False)
    x = X[:1, :, :, :9]

    found = given_draw(layer, x, factors=np.array([[1, 1, 3]], "f4"))

    np.testing.assert_allclose(found[..., 1, :], x[..., 1, :], atol=1e-5)
    np.testing.assert_allclose(found[..., 4, :], x[..., 4, :], atol=1e-5)
    expected = (2 * x[..., 1, :] + x[..., 4, :]) / 3
    np.testing.assert_allclose(found[..., 2, :], expected, atol=1e-5)


def test_low_resolution_draws_one_axis_or_all():
    x = np.zeros((60, 4, 4, 4, 2), "f4")
    one = layers.RandomLowResolution((2, 3), axes=("LR", "IS"), seed=1)
    both = layers.RandomLowResolution((2, 3), ("LR", "IS"), anisotropic=False, seed=1)
    apart = layers.RandomLowResolution((2, 3), per_channel=True, seed=1)

    factors = np.array(one.get_random_transformation(x)["factors"])
    assert ((factors > 1).sum(1) == 1).all()
    assert (factors[:, 1] == 1).all()
    assert 15 < (factors[:, 0] > 1).sum() < 45
    factors = np.array(both.get_random_transformation(x)["factors"])
    np.testing.assert_array_equal(factors[:, 0], factors[:, 2])
    assert (factors[:, 1] == 1).all()
    assert 2 <= factors[:, 0].min() < 2.2 < 2.8 < factors[:, 0].max() <= 3
    factors = np.array(apart.get_random_transformation(x)["factors"])
    assert factors.shape == (60, 2, 3)
    assert (factors[:, 0] != factors[:, 1]).any()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("num_ghosts", [2, 3, 4])
def test_ghosting_weakens_every_nth_line_of_k_space(axis, num_ghosts):
    layer = layers.RandomGhosting(restore=0.3)
    intensity = np.zeros((3, 3), "f4")
    intensity[:, axis] = [0, 0.5, 1]

    found = given_draw(
        layer, X, num_ghosts=np.full(3, num_ghosts, "i4"), intensity=intensity
    )

    size = X.shape[axis + 1]
    lines = np.abs(np.round(np.fft.fftfreq(size, 1 / size)))
    hit = (lines % num_ghosts == 0) & (lines > 0.3 * size / 2)
    shape = [1] * 5
    shape[axis + 1] = size
    for volume, image, strength in zip(found, X, (0, 0.5, 1), strict=True):
        passed = np.reshape(1 - strength * hit, shape)[0]
        expected = np.fft.ifft(np.fft.fft(image, axis=axis) * passed, axis=axis)
        np.testing.assert_allclose(volume, expected.real, atol=1e-4)
    assert not np.allclose(found[2], X[2], atol=0.1)


def test_ghosts_repeat_an_object_along_the_axis():
    x = np.zeros((1, 48, 4, 4, 1), "f4")
    x[0, 3:6] = 1
    layer = layers.RandomGhosting(restore=0.0)

    found = given_draw(
        layer, x, num_ghosts=np.array([4], "i4"), intensity=np.array([[1, 0, 0]], "f4")
    )[0, :, 0, 0, 0]

    # A quarter of it is taken away, and put in a quarter, a half, ... of the field.
    line = x[0, :, 0, 0, 0]
    copies = sum(np.roll(line, shift) for shift in (0, 12, 24, 36)) / 4
    np.testing.assert_allclose(found, line - copies + line.mean(), atol=1e-5)
    assert found.mean() == pytest.approx(line.mean(), abs=1e-6)


def test_a_spike_changes_one_pair_of_points_of_k_space():
    layer = layers.RandomSpike()
    amplitude, phase = 0.25, 0.3
    found = given_draw(
        layer,
        X[:1, ..., :1],
        amplitude=np.array([[[amplitude]]], "f4"),
        frequency=np.array([[[[2 / 8, -3 / 9, 0.09]]]], "f4"),
        phase=np.array([[[phase]]], "f4"),
    )

    change = np.fft.fftn((found - X[:1, ..., :1])[0, ..., 0])
    height = amplitude * X[:1, ..., :1].max() * change.size / 2
    expected = np.zeros_like(change)
    expected[2, -3, 1] = height * np.exp(2j * np.pi * phase)
    expected[-2, 3, -1] = np.conj(expected[2, -3, 1])
    np.testing.assert_allclose(change, expected, atol=1e-3 * height)


def test_the_number_of_spikes_and_boxes_varies_within_its_range():
    x = np.zeros((80, 2, 2, 2, 1), "f4")
    spikes = layers.RandomSpike((1, 3), seed=1).get_random_transformation(x)
    boxes = layers.RandomErasing3D((1, 3), seed=1).get_random_transformation(x)

    numbers = (np.array(spikes["amplitude"])[..., 0] > 0).sum(1)
    assert set(numbers) == {1, 2, 3}
    assert set((np.array(boxes["size"]) > 0).all(2).sum(1)) == {1, 2, 3}


def test_dropped_channels_leave_one_at_least():
    x = np.ones((400, 2, 2, 2, 3), "f4")

    found = np.array(layers.RandomChannelDropout(0.5, -1, seed=2)(x, training=True))

    per_channel = found[:, 0, 0, 0]
    np.testing.assert_array_equal(
        found, np.broadcast_to(per_channel[:, None, None, None], x.shape)
    )
    assert set(np.unique(found)) == {-1, 1}
    kept = (per_channel == 1).sum(1)
    assert kept.min() == 1
    # All three kept: 1/8; two kept: 3/8; one: 3/8 and the 1/8 where none would be.
    np.testing.assert_allclose(
        np.bincount(kept, minlength=4)[1:] / 400, [0.5, 0.375, 0.125], atol=0.08
    )
    always = layers.RandomChannelDropout(1.0, seed=2)(x, training=True)
    assert (np.array(always)[:, 0, 0, 0].sum(1) == 1).all()
    np.testing.assert_array_equal(
        layers.RandomChannelDropout(1.0)(x[..., :1], training=True), x[..., :1]
    )


def test_cutout_fills_boxes_that_lie_within():
    layer = layers.RandomErasing3D(value=-1, mask_value=7, weight_value=0.5)
    data = {
        "images": X[:2],
        "segmentation_masks": np.ones((2, 8, 9, 10, 1), "i4"),
        "weights": np.ones((2, 8, 9, 10, 1), "f4"),
    }
    drawn = {
        # 4 of 8, 3 of 9 and 2 of 10 voxels; at the start and the end of the axes.
        "size": np.array([[[0.5, 1 / 3, 0.2]]] * 2, "f4"),
        "position": np.array([[[0, 0, 0]], [[0.999, 0.999, 0.999]]], "f4"),
        "chosen": np.ones(2, bool),
    }

    found = {k: np.array(v) for k, v in layer.apply_transformation(data, drawn).items()}

    box = np.zeros((2, 8, 9, 10, 1), bool)
    box[0, :4, :3, :2] = True
    box[1, -4:, -3:, -2:] = True
    np.testing.assert_array_equal(found["images"], np.where(box, -1, X[:2]))
    np.testing.assert_array_equal(found["segmentation_masks"], np.where(box, 7, 1))
    np.testing.assert_array_equal(found["weights"], np.where(box, 0.5, 1))
    assert found["segmentation_masks"].dtype == np.int32


def test_cutout_is_never_larger_than_asked_for():
    x = np.ones((100, 10, 10, 10, 1), "f4")
    found = np.array(layers.RandomErasing3D(1, (0.2, 0.4), seed=1)(x, training=True))

    lengths = [(found == 0).any(axes).sum(1) for axes in ((2, 3, 4), (1, 3, 4))]
    for length in lengths:
        assert set(length.ravel()) == {2, 3, 4}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("RandomShiftIntensity", {"stddev": -1}, "stddev=-1"),
        ("RandomContrast3D", {"factor": -0.1}, "factor=-0.1"),
        ("RandomLowResolution", {"downsampling": (0.5, 2)}, r"downsampling=\(0.5, 2\)"),
        ("RandomLowResolution", {"axes": (4,)}, r"axes=\(4,\)"),
        ("RandomGhosting", {"num_ghosts": 1}, "num_ghosts=1"),
        ("RandomGhosting", {"intensity": 1.5}, "intensity="),
        ("RandomGhosting", {"restore": 2}, "restore=2"),
        ("RandomSpike", {"num_spikes": -1}, "num_spikes=-1"),
        ("RandomSpike", {"intensity": (-1, 0)}, "intensity="),
        ("RandomChannelDropout", {"probability": 1.1}, "probability=1.1"),
        ("RandomErasing3D", {"size": (0, 1.2)}, "size="),
        ("RandomErasing3D", {"num_boxes": 1.5}, "num_boxes=1.5"),
    ],
)
def test_arguments_out_of_range_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=f"Received: .*{message}"):
        getattr(layers, name)(**arguments)
