from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medzoo.errors import RecipeError
from medzoo.spatial import Grid, SpatialChain, orient
from medzoo.volume import Volume

ORIENTATIONS = [
    "".join(letters)
    for order in permutations(("LR", "PA", "IS"))
    for letters in product(*order)
]


def step(name, **arguments):
    return {"step": name, "arguments": arguments}


def volume_in(orientation, seed=0, channels=None, shape=(5, 6, 7)):
    rng = np.random.default_rng(seed)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, :3] = affine[:3, :3] @ _turn(rng.uniform(-0.3, 0.3))
    affine[:3, 3] = rng.uniform(-50, 50, 3)
    shape = shape if channels is None else (*shape, channels)
    labels = rng.integers(0, 5, shape).astype(np.uint8)
    return orient(Volume(labels, affine), orientation)


def _turn(angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


@settings(max_examples=60, deadline=None)
@given(
    source=st.sampled_from(ORIENTATIONS),
    target=st.sampled_from(ORIENTATIONS),
    seed=st.integers(0, 1000),
    size=st.tuples(*[st.integers(7, 12)] * 3),
    channels=st.sampled_from([None, 2]),
)
def test_undo_after_do_is_the_identity(source, target, seed, size, channels):
    volume = volume_in(source, seed, channels)
    chain = SpatialChain(
        [step("orient", orientation=target), step("crop_pad", size=size)]
    )

    placed, undo = chain(volume)
    back = undo(placed.array)

    assert placed.orientation == target
    assert placed.shape == size
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_array_equal(back.affine, volume.affine)
    assert back.array.dtype == volume.array.dtype


def test_no_steps_change_nothing():
    volume = volume_in("LPI")

    placed, undo = SpatialChain([])(volume)

    np.testing.assert_array_equal(placed.array, volume.array)
    np.testing.assert_array_equal(undo(placed.array).array, volume.array)


def test_what_was_cropped_comes_back_as_background():
    volume = volume_in("RAS").with_array(np.ones((5, 6, 7), np.uint8))
    placed, undo = SpatialChain([step("crop_pad", size=(3, 6, 7))])(volume)

    back = undo(placed.array, background=9)

    np.testing.assert_array_equal(back.array[:, 0, 0], [9, 1, 1, 1, 9])


def test_undo_of_resampling_gives_labels_back_in_place():
    blocks = np.zeros((16, 16, 16), np.uint8)
    blocks[4:12, 2:14, 6:10] = 3
    volume = orient(Volume(blocks, np.eye(4)), "PIR")
    placed, undo = SpatialChain([step("resample", spacing=0.5)])(volume)
    labels = np.where(placed.array > 1.5, 3, 0)

    back = undo(labels)

    assert back.shape == volume.shape
    assert (back.array != volume.array).mean() < 0.02


def test_undo_interpolates_images_linearly():
    volume = Volume(np.zeros((4, 4, 4), np.float32), np.diag([1, 1, 1, 1.0]))
    _, undo = SpatialChain([step("resample", spacing=2)])(volume)
    image = np.arange(2.0)[:, None, None] * np.ones((2, 2, 2))

    found = undo(image, interpolation="linear").array[:, 1, 1]

    np.testing.assert_allclose(found[1:3], [0.25, 0.75], atol=1e-6)


def test_steps_apply_in_order():
    volume = volume_in("RAS")
    one = SpatialChain(
        [step("orient", orientation="SAR"), step("crop_pad", size=(9, 4, 4))]
    )
    other = SpatialChain(
        [step("crop_pad", size=(9, 4, 4)), step("orient", orientation="SAR")]
    )

    assert one(volume)[0].shape == (9, 4, 4)
    assert other(volume)[0].shape == (4, 4, 9)


@pytest.mark.parametrize("step_name", ["sample", "blurred", "crop_pad"])
def test_beyond_the_scan_lies_its_background(step_name):
    array = np.zeros((9, 9, 9), np.float32)
    array[3:6, 3:6, 3:6] = np.arange(1, 28).reshape(3, 3, 3)
    sample = {"shape": [15, 15, 15], "spacing": 1.0, "centre": [4, 4, 4]}
    steps = {
        "sample": step("sample", **sample),
        "blurred": step("sample", **sample, blur=1.5),
        "crop_pad": step("crop_pad", size=[15, 15, 15]),
    }
    chain = SpatialChain([steps[step_name]], ["t1"])

    found, _ = chain(Volume(array, np.eye(4)))
    lower, _ = chain(Volume((array - 5) / 2, np.eye(4)))
    np.testing.assert_allclose(lower.array * 2 + 5, found.array, atol=1e-4)
    assert lower.array[0, 0, 0] == -2.5


def test_channels_are_masked_each_from_its_darkest():
    array = np.random.default_rng(0).uniform(10, 90, (40, 40, 40, 2))
    volume = Volume(array.astype(np.float32), np.diag([2, 2, 2, 1]))
    mask = step("mask", atlas="ixi_t1_4mm", probability=0.1)
    sample = step("sample", shape=[40, 40, 40], spacing=2.0, centre=[0, -18, 6])
    volume = volume.with_affine(Grid.centred((40,) * 3, 2.0, (0, -18, 6)).affine)

    both, _ = SpatialChain([sample, mask], ["t1", "t2"])(volume)
    assert both.array.shape == (40, 40, 40, 2)
    for channel in (0, 1):
        one = volume.with_array(volume.array[..., channel])
        alone, _ = SpatialChain([sample, mask], ["t1"])(one)
        np.testing.assert_array_equal(both.array[..., channel], alone.array)


def test_sample_takes_a_fixed_grid():
    arguments = {"shape": (4, 5, 6), "spacing": 2.0, "centre": (1, 2, 3)}
    placed, undo = SpatialChain([step("sample", **arguments)])(volume_in("LPS"))

    expected = Grid.centred(**arguments)
    assert placed.shape == expected.shape
    np.testing.assert_allclose(placed.affine, expected.affine)
    np.testing.assert_allclose(undo.grid.affine, expected.affine)


@pytest.mark.parametrize("name", ["", "Orient", "__class__", "eval"])
def test_refuses_unknown_steps(name):
    with pytest.raises(RecipeError, match="Received: step="):
        SpatialChain([step(name)])


def test_chain_does_not_touch_its_input_or_its_settings():
    settings_before = [step("orient", orientation="LPI"), step("resample", spacing=2)]
    volume = volume_in("RAS")
    array = volume.array.copy()
    chain = SpatialChain(settings_before)

    placed, _ = chain(volume)
    placed.array[...] = 0
    again, _ = chain(volume)

    np.testing.assert_array_equal(volume.array, array)
    assert again.array.any()
    assert settings_before[1] == step("resample", spacing=2)


@pytest.mark.parametrize(
    ("spacing", "found"),
    [
        # Float32 of a header: 0.95 is a little less there.
        ((0.88, 0.9499999880790710, 1.0), (1.0, 0.95, 1.0)),
        ((1.1, 1.0, 1.16), (1.1, 1.0, 1.0)),
    ],
)
def test_a_finer_axis_is_left_alone_within_a_share_of_its_own(spacing, found):
    volume = Volume(np.zeros((30, 30, 30), "f4"), np.diag([*spacing, 1.0]))
    arguments = {"spacing": 1.0, "tolerance": 0.15}

    placed, _ = SpatialChain([step("resample", **arguments, finer=0.05)])(volume)
    np.testing.assert_allclose(placed.spacing, found, atol=1e-6)

    # Without, one share for both sides.
    native, _ = SpatialChain([step("resample", **arguments)])(volume)
    assert native.spacing[0] == pytest.approx(spacing[0])
