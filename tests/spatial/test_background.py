"""Levels that no single voxel, no overshoot and no standardisation decides."""

import numpy as np
import pytest
from scipy import ndimage

from medzoo.spatial import SpatialChain
from medzoo.spatial.background import (
    background_level,
    from_background,
    is_standardised_inside,
    without_wild_voxels,
    zero_level,
)

STEPS = [
    {"step": "scale_to_white_matter", "arguments": {"atlas": "ixi_t1_4mm"}},
    {"step": "register", "arguments": {"atlas": "ixi_t1_4mm"}},
    {
        "step": "sample",
        "arguments": {"shape": [40, 48, 40], "spacing": 4.0, "centre": [0, -18, 6]},
    },
    {"step": "mask", "arguments": {"atlas": "ixi_t1_4mm", "probability": 0.1}},
]


@pytest.fixture(scope="module")
def stripped(head_phantom):
    return head_phantom(spacing=3.0, skull=False)


@pytest.fixture(scope="module")
def placed(stripped):
    return SpatialChain(STEPS, ["t1"])(stripped)[0].array


def changed(volume, kind):
    array = np.array(volume.array, np.float32)
    bright = float(np.percentile(array, 99.5))
    middle = tuple(n // 2 for n in array.shape)
    if kind == "spline":
        # There and back, so that the head lies where it was.
        away = ndimage.shift(array, 0.4, order=3)
        return volume.with_array(ndimage.shift(away, -0.4, order=3))
    place, share = {
        "corner -20 %": ((0, 0, 0), -0.2),
        "corner -100 %": ((0, 0, 0), -1.0),
        "corner -50 times": ((0, 0, 0), -50.0),
        "middle +1000 times": (middle, 1000.0),
        "middle -1000 times": (middle, -1000.0),
    }[kind]
    array[place] = share * bright
    return volume.with_array(array)


@pytest.mark.parametrize(
    "kind",
    [
        "corner -20 %",
        "corner -100 %",
        "corner -50 times",
        "middle +1000 times",
        "middle -1000 times",
        "spline",
    ],
)
def test_what_the_network_sees_hardly_changes(stripped, placed, kind):
    found = SpatialChain(STEPS, ["t1"])(changed(stripped, kind))[0].array
    assert np.abs(found - placed).mean() < 0.01
    assert abs(np.median(found[placed > 0.9]) - np.median(placed[placed > 0.9])) < 0.01


def test_ordinary_scans_are_returned_as_they_are(stripped, head_phantom):
    for volume in (stripped, head_phantom(spacing=4.0)):
        array = np.maximum(volume.array, 0)
        assert from_background(array) is array
        limited, count = without_wild_voxels(array)
        assert limited is array
        assert count == 0


def test_wild_voxels_are_told(stripped):
    _, undo = SpatialChain(STEPS, ["t1"])(changed(stripped, "middle +1000 times"))
    assert any("1 voxels" in note and "limited" in note for note in undo.notes)


def test_scans_standardised_as_a_whole_begin_at_their_background(head_phantom):
    array = np.maximum(head_phantom(spacing=4.0).array, 0)
    standardised = (array - array.mean()) / array.std()
    expected = array / array.std()
    np.testing.assert_allclose(from_background(standardised), expected, atol=0.02)
    assert zero_level(standardised) == pytest.approx(standardised.min(), abs=0.02)


def test_scans_standardised_inside_the_brain_are_raised_and_told(stripped, placed):
    array = np.array(stripped.array, np.float32)
    inside = array > 1
    array = np.where(inside, (array - array[inside].mean()) / array[inside].std(), 0)
    assert is_standardised_inside(array)
    assert not is_standardised_inside(stripped.array)
    found, undo = SpatialChain(STEPS, ["t1"])(stripped.with_array(array))
    assert any("outside" in note for note in undo.notes)
    # Nothing stays nothing, and white matter stays brighter than grey.
    assert (found.array[placed == 0] < 0.05).mean() > 0.95
    assert np.corrcoef(found.array.ravel(), placed.ravel())[0, 1] > 0.95
    # No more is said than is done: here nothing is raised.
    found, undo = SpatialChain([], ["t1"])(stripped.with_array(array))
    assert any("Give that one" in note for note in undo.notes)
    np.testing.assert_array_equal(found.array, array)


def test_the_level_of_a_scan_standardised_within_its_brain_is_zero(stripped):
    array = stripped.array
    mask = array > 0.1 * array.max()
    inside = (array - array[mask].mean()) / array[mask].std()

    assert background_level(np.where(mask, inside, 0)) == 0.0
    whole = (array - array.mean()) / array.std()
    assert background_level(whole) == pytest.approx(float(whole.min()), abs=1e-3)
    assert background_level(array) == 0.0
