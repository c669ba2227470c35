"""One resolution for every scan."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.spatial import Grid
from medzoo.spatial.resample import resample_to
from medzoo.spatial.resolution import resample_at_resolution
from medzoo.volume import Volume

SPACING = 2.0
WANTED = Grid.centred((30, 30, 30), SPACING, (0, 0, 0))


def point_seen(spacing, offset, resolution):
    """A point in the middle of the world, as scanned, brought to a resolution."""
    shape = (int(64 / spacing),) * 3
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = offset - spacing * (shape[0] // 2)
    axis = affine[0, 3] + spacing * np.arange(shape[0])
    # What the scanner does: a Gaussian as wide as a voxel.
    one = np.exp(-4 * np.log(2) * (axis / spacing) ** 2)
    array = np.einsum("i,j,k->ijk", one, one, one).astype(np.float32)
    volume = Volume(array / (one.sum() * spacing) ** 3, affine)
    return resample_at_resolution(volume, WANTED, resolution)


def width(volume):
    """Full width at half maximum along x of what is one point, mm."""
    profile = volume.array.sum(axis=(1, 2))
    axis = volume.affine[0, 3] + volume.spacing[0] * np.arange(len(profile))
    middle = (axis * profile).sum() / profile.sum()
    variance = ((axis - middle) ** 2 * profile).sum() / profile.sum()
    return np.sqrt(8 * np.log(2) * variance)


@pytest.mark.parametrize("spacing", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("offset", [0.0, 0.4, 1.0])
def test_every_scan_has_one_width(spacing, offset):
    # A point seen by voxels as wide as itself is no perfect Gaussian any more.
    assert width(point_seen(spacing, offset, 4.0)) == pytest.approx(4.0, rel=0.1)


def test_where_the_voxels_lie_changes_less_than_linearly():
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    head = Volume(noise, np.diag([2.0, 2.0, 2.0, 1.0]))
    kept = {}
    for name, sample in (
        ("resolution", lambda v, g: resample_at_resolution(v, g, 3.5)),
        ("linear", resample_to),
    ):
        level = [
            sample(head, grid).array[4:-4, 4:-4, 4:-4].std()
            for grid in (shifted(head, 0.0), shifted(head, 1.0))
        ]
        kept[name] = level[1] / level[0]
    assert kept["linear"] < 0.5
    assert 0.85 < kept["resolution"] < 1


def shifted(volume, millimetres):
    affine = volume.affine.copy()
    affine[:3, 3] += millimetres
    return Grid(volume.shape, affine)


def test_coarse_axes_stay_and_channels_are_alike():
    array = np.random.default_rng(0).normal(size=(12, 12, 12, 2)).astype(np.float32)
    volume = Volume(array, np.diag([3.0, 3.0, 3.0, 1.0]))
    found = resample_at_resolution(volume, Grid.of(volume), 2.0)
    np.testing.assert_allclose(found.array, array, atol=1e-4)
    one = resample_at_resolution(volume.with_array(array[..., 1]), Grid.of(volume), 2.0)
    np.testing.assert_array_equal(one.array, found.array[..., 1])


@pytest.mark.parametrize("resolution", [0, -1.0, np.nan, np.inf])
def test_a_resolution_is_a_length(resolution):
    volume = Volume(np.ones((4, 4, 4)), np.eye(4))
    with pytest.raises(InputError, match="must be positive"):
        resample_at_resolution(volume, Grid.of(volume), resolution)
