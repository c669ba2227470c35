"""The spatial chain's steps that change intensities, not places."""

import numpy as np
import pytest

from medzoo.spatial import Grid, SpatialChain, atlas, atlas_names, correct_bias_field
from medzoo.spatial.resample import resample_to
from medzoo.spatial.tissue_contrast import (
    grey_median,
    grey_mode,
    limit_contrast,
    white_level,
)
from medzoo.volume import Volume

ATLAS = atlas_names()[0]


def tissue(grey, white, cortex=1, seed=0):
    """A block of white matter with grey around it, on a background of 0."""
    array = np.zeros((24, 24, 24), np.float32)
    array[4:-4, 4:-4, 4:-4] = grey
    array[(slice(4 + cortex, -4 - cortex),) * 3] = white
    noise = np.random.default_rng(seed).normal(0, 0.01 * white, array.shape)
    array += noise.astype("f4") * (array > 0)
    return Volume(array, np.diag([2, 2, 2, 1.0]))


def test_bias_field_is_taken_out():
    flat = tissue(60, 100, cortex=3)
    x = np.linspace(-1, 1, 24)[:, None, None]
    uneven = flat.with_array(flat.array * np.exp(0.4 * x).astype("f4"))

    found = correct_bias_field(uneven, shrink=1).array

    white = flat.array > 90
    before = uneven.array[white].std() / uneven.array[white].mean()
    after = found[white].std() / found[white].mean()
    assert before > 0.08
    assert after < before / 3
    assert (found[flat.array == 0] == 0).all()
    assert found.dtype == np.float32


@pytest.mark.parametrize("value", [0, 3])
def test_bias_field_of_a_constant_image_is_none(value):
    volume = Volume(np.full((8, 8, 8), value), np.eye(4))

    np.testing.assert_array_equal(correct_bias_field(volume).array, volume.array)


@pytest.mark.parametrize(
    ("grey", "expected"), [(60, 0.65), (65, 0.65), (70, 0.70), (78, 0.72)]
)
@pytest.mark.parametrize("scale", [0.01, 1, 30])
def test_contrast_is_brought_to_the_nearer_end_of_the_range(grey, expected, scale):
    volume = tissue(grey * scale, 100 * scale)
    region = np.ones(volume.shape, bool)
    is_white = volume.array > 0.93 * 100 * scale

    found = limit_contrast(volume, region, is_white, lowest=0.65, highest=0.72).array

    is_grey = (volume.array > 0) & ~is_white
    assert np.median(found[is_white]) == pytest.approx(1, abs=0.03)
    assert np.median(found[is_grey]) == pytest.approx(expected, abs=0.03)
    assert (found[volume.array == 0] == 0).all()


def test_contrast_of_an_empty_image_is_left():
    volume = Volume(np.zeros((4, 4, 4)), np.eye(4))

    everywhere = np.ones((4, 4, 4), bool)

    found = limit_contrast(volume, everywhere, everywhere, lowest=0.5, highest=0.9)

    np.testing.assert_array_equal(found.array, volume.array)


def test_grey_is_the_most_frequent_intensity_of_its_range():
    values = np.concatenate([np.full(900, 0.7), np.full(1800, 1.05), np.full(5000, 0)])

    assert grey_mode(values) == pytest.approx(0.7, abs=0.01)


def test_white_matter_is_measured_where_the_atlas_has_it():
    # More grey than white, which is what misleads a histogram of the whole brain.
    array = np.array([80.0] * 900 + [100.0] * 99 + [0.0])
    white = np.arange(1000) >= 800

    assert white_level(array, white) == 80.0
    assert white_level(array, np.arange(1000) >= 900) == 100.0
    assert white_level(array, np.zeros(1000, bool)) == 0.0


def test_mask_sets_what_lies_outside_the_brain_to_zero():
    source = atlas(ATLAS)
    grid = Grid.centred((40, 48, 40), 4.0, source.centre)
    array = np.random.default_rng(0).uniform(30, 70, grid.shape).astype("f4")
    step = {"step": "mask", "arguments": {"atlas": ATLAS, "probability": 0.5}}

    found, undo = SpatialChain([step])(Volume(array, grid.affine))

    volume = Volume(source.probability, source.grid.affine)
    inside = resample_to(volume, grid).array > 0.5
    assert 0.05 < inside.mean() < 0.6
    assert (found.array[~inside] == 0).all()
    # The darkest voxel inside is the new 0; differences stay.
    np.testing.assert_allclose(
        found.array[inside], array[inside] - array[inside].min(), atol=1e-5
    )
    assert undo.notes == ()


def test_the_median_of_grey_matter_moves_less_than_its_mode_where_that_is_flat():
    rng = np.random.default_rng(0)
    modes, medians = [], []
    for edge in (0.005, -0.005):
        # Thick and thin cortex of one brain, of nearly the same frequency.
        grey = np.concatenate(
            [
                rng.normal(0.6, 0.04, 4000 + int(4e4 * edge)),
                rng.normal(0.72, 0.04, 4000),
            ]
        )
        values = np.concatenate([grey, rng.normal(1, 0.04, 6000)])
        modes.append(grey_mode(values))
        medians.append(grey_median(values))
    assert abs(modes[0] - modes[1]) > 0.08
    assert abs(medians[0] - medians[1]) < 0.02
    assert 0.6 < min(medians) < max(medians) < 0.72


def test_grey_matter_is_brought_to_a_level_by_its_median():
    scan = tissue(60, 100, cortex=3)
    region = np.asarray(scan.array) > 0
    is_white = np.asarray(scan.array) > 80

    found = limit_contrast(
        scan, region, is_white, lowest=0.8, highest=0.8, grey="median"
    ).array

    assert np.median(found[region & ~is_white]) == pytest.approx(0.8, abs=0.01)
    assert np.median(found[is_white]) == pytest.approx(1, abs=0.01)
