"""Sampling behind a Gaussian of one width."""

import numpy as np
import pytest
import SimpleITK as sitk

from medzoo.errors import InputError
from medzoo.spatial import Grid
from medzoo.spatial.blurred import resample_blurred
from medzoo.spatial.resample import drawn, resample_to, to_image
from medzoo.volume import Volume

SPACING = 2.0
WANTED = Grid.centred((30, 30, 30), SPACING, (0, 0, 0))


def point_seen(spacing, offset, fwhm):
    """A point in the middle of the world, as scanned, blurred and sampled."""
    shape = (int(64 / spacing),) * 3
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = offset - spacing * (shape[0] // 2)
    axis = affine[0, 3] + spacing * np.arange(shape[0])
    # What the scanner does: a Gaussian as wide as a voxel.
    one = np.exp(-4 * np.log(2) * (axis / spacing) ** 2)
    array = np.einsum("i,j,k->ijk", one, one, one).astype(np.float32)
    volume = Volume(array / (one.sum() * spacing) ** 3, affine)
    return resample_blurred(volume, WANTED, fwhm)


def width(volume):
    """Full width at half maximum along x of what is one point, mm."""
    profile = volume.array.sum(axis=(1, 2))
    axis = volume.affine[0, 3] + volume.spacing[0] * np.arange(len(profile))
    middle = (axis * profile).sum() / profile.sum()
    variance = ((axis - middle) ** 2 * profile).sum() / profile.sum()
    return np.sqrt(8 * np.log(2) * variance)


@pytest.mark.parametrize("spacing", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("offset", [0.0, 0.4, 1.0])
def test_the_width_is_that_of_blur_and_voxel(spacing, offset):
    # A point seen by voxels as wide as itself is no perfect Gaussian any more.
    expected = np.hypot(3.5, spacing)
    assert width(point_seen(spacing, offset, 3.5)) == pytest.approx(expected, rel=0.1)


def test_a_finer_grid_without_more_detail_changes_nothing():
    """As when a scan was resampled before: its header does not tell how sharp it is."""
    noise = np.random.default_rng(0).normal(size=(30, 30, 30)).astype(np.float32)
    coarse = Volume(noise, np.diag([2.0, 2.0, 2.0, 1.0]))
    fine = Grid.centred((60, 60, 60), 1.0, (29.0, 29.0, 29.0))
    grid = Grid.centred((20, 20, 20), SPACING, (29.0, 29.0, 29.0))
    plain = resample_blurred(coarse, grid, 3.5).array
    to_old = np.linalg.inv(coarse.affine) @ fine.affine
    array = drawn(to_image(noise), to_old, fine.shape, sitk.sitkBSpline5)
    found = resample_blurred(Volume(array, fine.affine), grid, 3.5).array
    assert (found - plain).std() < 0.1 * plain.std()


def test_where_the_voxels_lie_changes_less_than_linearly():
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    head = Volume(noise, np.diag([2.0, 2.0, 2.0, 1.0]))
    kept = {}
    for name, sample in (
        ("blurred", lambda v, g: resample_blurred(v, g, 3.0)),
        ("linear", resample_to),
    ):
        level = [
            sample(head, grid).array[4:-4, 4:-4, 4:-4].std()
            for grid in (shifted(head, 0.0), shifted(head, 1.0))
        ]
        kept[name] = level[1] / level[0]
    assert kept["linear"] < 0.5
    assert 0.85 < kept["blurred"] < 1


def shifted(volume, millimetres):
    affine = volume.affine.copy()
    affine[:3, 3] += millimetres
    return Grid(volume.shape, affine)


def test_channels_are_alike():
    array = np.random.default_rng(0).normal(size=(12, 12, 12, 2)).astype(np.float32)
    volume = Volume(array, np.diag([3.0, 3.0, 3.0, 1.0]))
    found = resample_blurred(volume, Grid.of(volume), 2.0)
    one = resample_blurred(volume.with_array(array[..., 1]), Grid.of(volume), 2.0)
    np.testing.assert_array_equal(one.array, found.array[..., 1])


@pytest.mark.parametrize("fwhm", [0, -1.0, np.nan, np.inf])
def test_a_width_is_a_length(fwhm):
    volume = Volume(np.ones((4, 4, 4)), np.eye(4))
    with pytest.raises(InputError, match="must be positive"):
        resample_blurred(volume, Grid.of(volume), fwhm)
