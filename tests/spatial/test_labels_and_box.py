"""Label maps by vote, and the box about the brain."""

import numpy as np
import pytest

from medzoo.spatial import Grid, SpatialChain, resample_labels, resample_to
from medzoo.spatial.tissue_contrast import own_white_level
from medzoo.volume import Volume


def labels_of(head, levels=(20, 80, 135)):
    return np.sum([head.array > level for level in levels], axis=0).astype(np.uint8)


def dice(a, b, label):
    a, b = a == label, b == label
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_vote_on_equal_voxels_changes_nothing(head_phantom):
    head = head_phantom(spacing=8.0)
    volume = head.with_array(labels_of(head))
    grid = Grid((10, 12, 9), head.affine @ translation(3, 2, 4))
    voted = resample_labels(volume, grid)
    nearest = resample_to(volume, grid, interpolation="nearest")
    np.testing.assert_array_equal(voted.array, nearest.array)
    assert voted.array.dtype == np.uint8


def translation(*shift):
    matrix = np.eye(4)
    matrix[:3, 3] = shift
    return matrix


@pytest.mark.parametrize(("fine", "coarse"), [(4.0, 3.0), (3.0, 5.0)])
def test_vote_is_closer_to_the_truth_than_nearest_neighbour(head_phantom, fine, coarse):
    source = head_phantom(spacing=fine)
    wanted = head_phantom(spacing=coarse)
    volume = source.with_array(labels_of(source))
    truth = labels_of(wanted)
    grid = Grid.of(wanted)
    voted = resample_labels(volume, grid).array
    nearest = resample_to(volume, grid, interpolation="nearest").array
    for label in (1, 2, 3):
        assert dice(voted, truth, label) >= dice(nearest, truth, label) - 1e-3
    assert dice(voted, truth, 2) > dice(nearest, truth, 2)


def test_vote_outside_is_background():
    volume = Volume(np.full((4, 4, 4), 5, np.int16), np.eye(4))
    grid = Grid((8, 4, 4), translation(-3.5, 0, 0))
    out = resample_labels(volume, grid).array
    assert (out[:3] == 0).all()
    assert (out[4:7] == 5).all()
    assert set(np.unique(out)) == {0, 5}


def steps(*names):
    arguments = {
        "crop_to_brain": {"atlas": "ixi_t1_4mm", "probability": 0.1, "margin": 8},
        "scale_to_white_matter": {"atlas": "ixi_t1_4mm"},
        "register": {"atlas": "ixi_t1_4mm"},
    }
    return [{"step": name, "arguments": arguments[name]} for name in names]


@pytest.mark.parametrize("orientation", ["RAS", "PIL"])
@pytest.mark.parametrize("skull", [True, False])
def test_box_holds_the_brain_and_scale_is_that_of_white_matter(
    head_phantom, orientation, skull
):
    grid = {"spacing": 2.0, "orientation": orientation}
    head = head_phantom(skull=skull, **grid)
    brain = head_phantom(skull=False, **grid)
    placed, undo = SpatialChain(steps("crop_to_brain", "scale_to_white_matter"))(head)
    inside = resample_to(brain, Grid.of(placed), interpolation="nearest").array
    assert (inside > 100).sum() > 0.995 * (brain.array > 100).sum()
    assert np.prod(placed.shape) < 0.75 * np.prod(head.shape)
    white = (inside > 155) & (inside < 165)
    assert np.median(placed.array[white]) == pytest.approx(1.0, abs=0.03)
    back = undo(placed.array)
    np.testing.assert_allclose(back.affine, head.affine)
    kept = back.array > 0
    np.testing.assert_allclose(
        back.array[kept],
        head.array[kept] * back.array.max() / head.array[kept].max(),
        rtol=0.01,
    )


def test_own_white_matter_is_found_where_the_middle_of_the_head_is_darker(head_phantom):
    head = head_phantom(spacing=2.0, skull=False)
    white = (head.array > 155) & (head.array < 165)
    # The middle of the brain, where the atlas looks first, is a sixth darker.
    offsets = np.indices(head.shape).reshape(3, -1).T - np.argwhere(white).mean(0)
    distance = np.linalg.norm(offsets * 2.0, axis=1).reshape(head.shape)
    darker = head.with_array(head.array * (1 - np.exp(-((distance / 50) ** 2)) / 6))
    settings = {"atlas": "ixi_t1_4mm"}
    levels = []
    for own in (False, True):
        step = {"step": "scale_to_white_matter", "arguments": {**settings, "own": own}}
        placed, _ = SpatialChain([step])(darker)
        levels.append(float(np.median(placed.array[white])))
    assert levels[0] > 1.03
    assert levels[1] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("guess", [0.85, 1.0, 1.15])
def test_own_white_level_does_not_depend_on_the_guess(guess):
    generator = np.random.default_rng(0)
    parts = [(0.25, 0.05, 3000), (0.75, 0.06, 9000), (1.0, 0.05, 7000)]
    values = [40 * generator.normal(mean, sd, count) for mean, sd, count in parts]
    found = own_white_level(np.concatenate(values).astype("f4"), 40 * guess)
    assert found == pytest.approx(40, rel=0.02)


def test_own_white_level_is_the_guess_where_one_tissue_is_missing():
    assert own_white_level(np.full(100, 7, "f4"), 7.0) == 7.0
    assert own_white_level(np.zeros(0, "f4"), 7.0) == 7.0


def test_missing_channels_stay_missing(head_phantom):
    head = head_phantom(spacing=4.0)
    both = np.stack([np.zeros_like(head.array), head.array - 50], -1)
    placed, _ = SpatialChain(steps("scale_to_white_matter"))(head.with_array(both))
    assert not placed.array[..., 0].any()
    assert placed.array[..., 1].min() == 0


def test_steps_after_register_look_for_the_brain_in_the_new_world(head_phantom):
    head = head_phantom(spacing=4.0, shift=(40.0, -30.0, 20.0))
    names = ("register", "crop_to_brain")
    placed, _ = SpatialChain(steps(*names))(head)
    alone, _ = SpatialChain(steps("crop_to_brain"))(head)
    assert np.abs(np.subtract(placed.shape, alone.shape)).max() <= 6
