"""Scans out of label maps."""

import json

import numpy as np
import pytest
from scipy import ndimage

from medzoo import layers
from medzoo.layers.label_codes import code_table, look_up
from tests.layers.test_synthesis import label_map

CODES = (0, 2, 3, 4, 24, 41, 506)
# Nothing but a mean and a deviation for each label.
PLAIN = {
    "bias_stddev": 0.0,
    "log_gamma": 0.0,
    "blur": (0, 0),
    "thick_slices": 0.0,
    "noise": (0, 0),
    "zero_background": 0.0,
}


def plain(labels=CODES, **changes):
    return layers.LabelToImage(labels, **{**PLAIN, "seed": 1, **changes})


def synthesise(layer, data):
    return {k: np.array(v) for k, v in layer(data).items()}


@pytest.mark.parametrize("dtype", ["i4", "u2", "f4"])
@pytest.mark.parametrize("batched", [True, False])
def test_a_label_map_may_come_in_any_way(dtype, batched):
    x = label_map()[0 if not batched else slice(None)].astype(dtype)
    extra = {"labels": np.arange(2.0), "weights": np.ones_like(x, "f4")}
    expected = synthesise(plain(), x)

    for data in ({"images": x}, {"segmentation_masks": x}):
        found = synthesise(plain(), {**data, **extra})
        assert set(found) == {"images", "segmentation_masks", "labels", "weights"}
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key])
        np.testing.assert_array_equal(found["weights"], extra["weights"])
    assert expected["images"].shape == x.shape
    assert expected["images"].dtype == np.float32
    assert expected["segmentation_masks"].dtype == np.int32
    np.testing.assert_array_equal(expected["segmentation_masks"], x)


def test_an_image_beside_the_label_map_is_replaced():
    x = label_map()
    both = {"images": np.ones_like(x, "f4"), "segmentation_masks": x}

    np.testing.assert_array_equal(
        plain()(both)["images"], plain()({"segmentation_masks": x})["images"]
    )


def test_each_label_channel_and_volume_has_its_own_mean_and_deviation():
    x = label_map(3)
    layer = plain(num_channels=2, mean=(0.4, 0.8), stddev=(0.01, 0.05))
    drawn = layer.get_random_transformation(x, seed=4)
    found = np.array(layer.apply_transformation(x, drawn)["images"])

    # The last is of what has no code.
    means = np.array(drawn["mean"])[..., :-1]
    for row, code in enumerate(CODES[1:], start=1):
        for b in range(3):
            for c in range(2):
                inside = found[b, ..., c][x[b, ..., 0] == code]
                deviation = drawn["stddev"][b, c, row]
                error = 4 * deviation / np.sqrt(len(inside))
                assert abs(inside.mean() - means[b, c, row]) < error
                assert inside.std() == pytest.approx(float(deviation), rel=0.3)
    assert 0.4 <= means[..., 1:].min() < 0.5 < 0.7 < means[..., 1:].max() <= 0.8
    assert len(np.unique(means)) == means.size
    # Air is dark unless its prior is given.
    assert means[..., 0].max() <= 0.1


def test_labels_of_one_class_share_their_intensities():
    layer = plain(generation_classes=(0, 1, 2, 3, 3, 1, 9), stddev=(0, 0))
    x = label_map(2)
    found = synthesise(layer, x)["images"]

    for b in range(2):
        values = [set(found[b][x[b] == code]) for code in CODES]
        assert values[1] == values[5]
        assert values[3] == values[4]
        assert len({v.pop() for v in values[1:]}) == 4


@pytest.mark.parametrize("as_json", [True, False])
def test_priors_of_channels(as_json):
    priors = [
        {2: ((0.7, 0.72), (0, 0)), 41: ((0.3, 0.3), (0, 0))},
        {2: ((0.1, 0.11), (0, 0)), 0: ((0.5, 0.5), (0, 0))},
    ]
    if as_json:
        priors = json.loads(json.dumps(priors))
    x = label_map(2)

    found = synthesise(plain(num_channels=2, priors=priors), x)["images"]

    first, second = found[..., :1], found[..., 1:]
    assert 0.7 <= first[x == 2].min() <= first[x == 2].max() <= 0.72
    np.testing.assert_allclose(first[x == 41], 0.3, atol=1e-6)
    assert 0.1 <= second[x == 2].min() <= second[x == 2].max() <= 0.11
    np.testing.assert_allclose(second[x == 0], 0.5, atol=1e-6)


def test_one_prior_serves_all_channels():
    layer = plain(num_channels=3, priors={"2": [[0.6, 0.6], [0, 0]]})
    found = synthesise(layer, label_map(1))["images"]

    np.testing.assert_allclose(found[0, 5, 5, 5], 0.6, atol=1e-6)


def test_background_is_zero_by_chance_and_unlisted_codes_are_background():
    x = label_map(200, 10)
    x[:, 1] = 999
    layer = plain(zero_background=0.3, priors={0: ((0.5, 0.5), (0.0, 0.0))})

    found = synthesise(layer, x)["images"]

    zero = (found[:, 0] == 0).all((1, 2, 3))
    assert 0.2 < zero.mean() < 0.4
    np.testing.assert_allclose(found[~zero][:, 0], 0.5, atol=1e-6)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    assert (found[zero][:, 5, 5, 5] > 0).all()


def test_labels_without_air_leave_what_is_not_listed_dark():
    found = synthesise(plain(labels=(2, 3)), label_map(1))["images"]

    assert found[0, :2].max() < 0.3
    always = plain(labels=(2, 3), zero_background=1.0)
    np.testing.assert_array_equal(synthesise(always, label_map(1))["images"][0, :2], 0)


def test_removable_labels_go_with_the_background():
    x = label_map(200, 10)
    layer = plain(removable=(506, 24), removal=0.25)

    found = synthesise(layer, x)["images"]

    removed = (found[..., :1] * (x == 506)).sum((1, 2, 3, 4)) == 0
    assert 0.15 < removed.mean() < 0.35
    outside = (x == 0) | (x == 506) | (x == 24)
    assert (found[removed][outside[removed]] == 0).all()
    # The target still tells what was there.
    assert (synthesise(layer, x)["segmentation_masks"] == x).all()
    assert (found[~removed][(x == 506)[~removed]] > 0).any()


def test_targets_map_sparse_codes_to_classes():
    x = label_map(1)
    x[:, 0] = 777
    layer = plain(targets={2: 1, 41: 1, 3: 2, 506: 5})

    found = synthesise(layer, x)["segmentation_masks"]

    expected = np.select([np.isin(x, (2, 41)), x == 3, x == 506], [1, 2, 5])
    np.testing.assert_array_equal(found, expected)
    assert layer.get_config()["targets"] == {"2": 1, "41": 1, "3": 2, "506": 5}


def test_gamma_and_bias_field_act_as_they_are_drawn():
    x = label_map(2)
    arguments = {"stddev": (0, 0), "log_gamma": 0.5, "bias_stddev": 0.8}
    layer = plain(**arguments, num_channels=2)
    drawn = dict(layer.get_random_transformation(x, seed=3))
    found = np.array(layer.apply_transformation(x, drawn)["images"])

    drawn["bias_field"] = np.zeros((2, 4, 4, 4, 2), "f4")
    flat = np.array(layer.apply_transformation(x, drawn)["images"])

    white = (x == 2)[..., 0]
    gamma = np.array(drawn["gamma"])
    for b in range(2):
        for c in range(2):
            mean = float(drawn["mean"][b, c, 1])
            np.testing.assert_allclose(
                flat[b, ..., c][white[b]], mean ** gamma[b, c], rtol=1e-5
            )
    assert np.abs(np.log(gamma)).max() <= 0.5
    ratio = np.log(found[0, ..., 0][white[0]] / flat[0, ..., 0][white[0]])
    assert ratio.std() > 0.02
    # Each channel has a field of its own.
    other = np.log(found[0, ..., 1][white[0]] / flat[0, ..., 1][white[0]])
    assert abs(np.corrcoef(ratio, other)[0, 1]) < 0.95


def test_blur_makes_partial_volume():
    x = np.zeros((1, 9, 9, 24, 1), "i4")
    x[..., 12:, :] = 1
    priors = {0: ((0.2, 0.2), (0, 0)), 1: ((0.8, 0.8), (0, 0))}
    layer = plain(labels=(0, 1), priors=priors, blur=(1.5, 1.5))

    line = synthesise(layer, x)["images"][0, 4, 4, :, 0]

    step = np.where(np.arange(24) < 12, 0.2, 0.8)
    expected = ndimage.gaussian_filter1d(step, 1.5, mode="nearest", truncate=6)
    np.testing.assert_allclose(line[6:-6], expected[6:-6], atol=1e-4)


def test_thick_slices_lie_across_one_axis_of_a_channel():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (6, 16, 16, 16, 1))
    layer = plain(
        labels=(0, 1),
        priors={0: ((0.1, 0.2), (0, 0)), 1: ((0.5, 0.5), (0, 0))},
        num_channels=2,
        thick_slices=1.0,
        slice_spacing=(4, 4),
        axes=("LR", "IS"),
    )
    drawn = dict(layer.get_random_transformation(x, seed=1))
    spacing = np.array(drawn["slice_spacing"])
    thickness = np.array(drawn["slice_thickness"])
    assert sorted(set(spacing.ravel())) == [1, 4]
    assert ((spacing == 4).sum(-1) == 1).all()
    assert (spacing[..., 1] == 1).all()
    assert ((thickness >= 1) & (thickness <= spacing)).all()

    # A slice as thick as the spacing averages four voxels.
    drawn["slice_thickness"] = spacing
    found = np.array(layer.apply_transformation(x, drawn)["images"])

    for b in range(6):
        axis = int(np.argmax(spacing[b, 0]))
        values = np.where(x[b, ..., 0] == 1, 0.5, float(drawn["mean"][b, 0, 0]))
        lines = np.moveaxis(values, axis, 0)
        slices = lines.reshape(4, 4, 16, 16).mean(1)
        got = np.moveaxis(found[b, ..., 0], axis, 0)
        np.testing.assert_allclose(got[0], slices[0], atol=0.02)
        # Half-way between the centres of the first two slices.
        between = (got[3] + got[4]) / 2
        np.testing.assert_allclose(between, (slices[0] + slices[1]) / 2, atol=0.02)


def test_noise_is_smoothed_with_the_slices_it_is_in():
    x = np.ones((1, 32, 32, 32, 1), "i4")
    priors = {1: ((0.5, 0.5), (0, 0))}
    arguments = {"labels": (0, 1), "priors": priors, "noise": (0.05, 0.05)}
    thin = synthesise(plain(**arguments), x)["images"]
    thick = synthesise(
        plain(**arguments, thick_slices=1.0, slice_spacing=(4, 4), axes=(2,)), x
    )["images"]

    assert thin.std() == pytest.approx(0.05, rel=0.05)
    assert np.diff(thin, axis=3).std() == pytest.approx(0.05 * 2**0.5, rel=0.05)
    assert np.diff(thick, axis=3).std() < 0.02
    assert np.diff(thick, axis=1).std() == pytest.approx(0.06, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": (0, -1)}, r"`labels` must be ints.*labels=\(0, -1\)"),
        ({"labels": (0, 2, 2)}, r"each once. Received: labels=\(0, 2, 2\)"),
        ({"labels": (0, 1.5)}, r"`labels` must be ints"),
        ({"num_channels": 0}, "num_channels=0"),
        ({"generation_classes": (1, 2)}, "Received: 2 classes of 7 labels"),
        ({"mean": (0.5, 0.2)}, "`mean` must be an ascending range"),
        ({"stddev": (-1, 0)}, "`stddev` must lie in"),
        ({"priors": [{}, {}]}, "Received: 2 for 1 channels"),
        ({"priors": {7: ((0, 1), (0, 1))}}, "code of `labels`.*Received: 7"),
        ({"priors": {2: ((1, 0), (0, 1))}}, "two ascending ranges.*Received: 2"),
        ({"priors": {2: ((0, 1), (-1, 1))}}, "not negative. Received: 2"),
        ({"zero_background": 2}, r"must lie in \[0, 1\]. Received: zero_background=2"),
        ({"removal": -1}, "removal=-1"),
        ({"thick_slices": 1.2}, "thick_slices=1.2"),
        ({"slice_spacing": (0.5, 2)}, "slice_spacing="),
        ({"bias_stddev": -1}, "bias_stddev=-1"),
        ({"control_points": 1}, "control_points=1"),
        ({"axes": ("up",)}, "axes="),
        ({"targets": {2: -1}}, "targets="),
        ({"targets": {2: 1, "2": 2}}, "targets="),
    ],
)
def test_label_to_image_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.LabelToImage(**{"labels": CODES, **arguments})


def test_label_to_image_refuses_priors_that_differ_within_a_class():
    priors = {2: ((0, 1), (0, 1)), 41: ((0, 0.5), (0, 1))}
    with pytest.raises(ValueError, match=r"one prior.*labels \[2, 41\]"):
        plain(generation_classes=(0, 1, 2, 3, 4, 1, 5), priors=priors)


def test_label_to_image_refuses_two_channels_and_no_map():
    with pytest.raises(ValueError, match=r"one channel\. Received: 2 channels"):
        plain()(np.zeros((1, 4, 4, 4, 2), "i4"))
    with pytest.raises(ValueError, match="LabelToImage needs an entry"):
        plain()({"labels": np.zeros(1)})


def test_codes_are_looked_up():
    table = code_table({2: 7, 5: 9}, other=1)

    found = look_up(np.array([2, 5, 3, 0, 6, 900, -4]), table)

    np.testing.assert_array_equal(found, [7, 9, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(look_up(np.array([1.999, 5.001]), table), [7, 9])
