from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medzoo.errors import InputError
from medzoo.spatial import Grid, orient
from medzoo.volume import Volume

ORIENTATIONS = [
    "".join(letters)
    for order in permutations(("LR", "PA", "IS"))
    for letters in product(*order)
]
ARRAY = np.arange(2 * 3 * 4).reshape(2, 3, 4)
OBLIQUE = np.array(
    [[0.9, 0.3, 0.1, -7], [-0.5, 1.8, 0.2, 8], [0.1, -0.4, 2.9, -9], [0, 0, 0, 1]]
)


def voxels_at_world(volume):
    """World position of each voxel value, the values being unique."""
    index = np.stack(np.indices(volume.shape), -1).reshape(-1, 3)
    world = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    order = np.argsort(volume.array.reshape(-1))
    return world[order]


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orient_moves_no_voxel_in_the_world(orientation):
    volume = Volume(ARRAY, OBLIQUE)

    turned = orient(volume, orientation)

    assert turned.orientation == orientation
    np.testing.assert_allclose(voxels_at_world(turned), voxels_at_world(volume))


@given(one=st.sampled_from(ORIENTATIONS), other=st.sampled_from(ORIENTATIONS))
def test_orient_there_and_back_is_the_identity(one, other):
    volume = orient(Volume(ARRAY, OBLIQUE), one)

    back = orient(orient(volume, other), one)

    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.affine, volume.affine, atol=1e-12)


def test_orient_keeps_channels_dtype_and_warnings():
    array = np.stack([ARRAY, -ARRAY], -1).astype("i2")
    volume = Volume(array, np.eye(4), warnings=("a warning",))

    turned = orient(volume, "SAL")

    assert turned.array.dtype == np.int16
    assert turned.array.flags.c_contiguous
    assert turned.warnings == ("a warning",)
    np.testing.assert_array_equal(turned.array[..., 1], -turned.array[..., 0])
    assert turned.array[0, 0, 0, 0] == ARRAY[-1, 0, 0]


@pytest.mark.parametrize("orientation", ["", "RA", "RAR", "RASX", "XYZ", "ras", "RRR"])
def test_orient_refuses_what_is_no_orientation(orientation):
    with pytest.raises(InputError, match="Received: orientation="):
        orient(Volume(ARRAY, np.eye(4)), orientation)


def test_centred_grid_has_its_middle_at_the_centre():
    grid = Grid.centred((4, 5, 6), (1, 2, 3), (10, -20, 30))

    np.testing.assert_allclose(grid.corners().mean(axis=0), (10, -20, 30))
    assert grid.shape == (4, 5, 6)
    np.testing.assert_allclose(np.diag(grid.affine), (1, 2, 3, 1))


@given(seed=st.integers(0, 2**32 - 1), spacing=st.floats(1, 20))
def test_grid_around_covers_all_voxel_centres(seed, spacing):
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * rng.uniform(0.5, 4, 3)
    affine[:3, 3] = rng.uniform(-99, 99, 3)
    grid = Grid(tuple(rng.integers(2, 40, 3)), affine)

    around = grid.around(spacing)

    low, high = around.corners().min(axis=0), around.corners().max(axis=0)
    assert (grid.corners().min(axis=0) >= low - 1e-9).all()
    assert (grid.corners().max(axis=0) <= high + 1e-3 * spacing + 1e-9).all()
    assert (high - spacing <= grid.corners().max(axis=0) + 1e-9).all()


def test_corners_of_one_voxel_are_its_centre():
    np.testing.assert_allclose(Grid((1, 1, 1), OBLIQUE).corners(), [[-7, 8, -9]] * 8)
