import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medzoo.errors import InputError
from medzoo.spatial import Grid, crop_pad, resample, resample_to
from medzoo.volume import Volume

ARRAY = np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32)


def ramp(shape, affine):
    """An image whose value is linear in world position: any grid shows the same."""
    index = np.stack(np.indices(shape), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    return Volume((world @ [1.0, -2.0, 0.5]).astype(np.float32), affine)


def outer_edges(volume):
    corners = np.array([[-0.5] * 3, np.array(volume.shape) - 0.5])
    return corners @ volume.affine[:3, :3].T + volume.affine[:3, 3]


def test_same_grid_is_copied_exactly():
    volume = Volume(ARRAY, np.diag([1, 2, 3, 1.0]))

    found = resample_to(volume, Grid.of(volume))

    np.testing.assert_array_equal(found.array, ARRAY)
    found.array[0, 0, 0] = 99
    assert ARRAY[0, 0, 0] != 99


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_linear_in_place_stays_linear_on_a_rotated_sheared_grid(interpolation):
    source = np.eye(4)
    source[:3, :3] = [[1.5, 0.2, 0], [-0.3, 2, 0.1], [0, 0.4, 1]]
    volume = ramp((20, 16, 30), source)
    target = np.eye(4)
    target[:3, :3] = 2.5 * np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    target[:3, 3] = (source @ [9.5, 7.5, 14.5, 1])[:3] - target[:3, :3] @ [2, 2, 2]

    found = resample_to(volume, Grid((5, 5, 5), target), interpolation=interpolation)

    expected = ramp((5, 5, 5), target).array
    # Nearest is off by up to half a voxel along each axis.
    step = np.abs(np.array([1.0, -2.0, 0.5]) @ source[:3, :3]).sum() / 2
    tolerance = 1e-3 if interpolation == "linear" else step
    np.testing.assert_allclose(found.array, expected, atol=tolerance)
    if interpolation == "nearest":
        assert np.isin(found.array, volume.array).all()


def test_half_a_voxel_shift_is_the_mean_of_neighbours():
    volume = Volume(ARRAY, np.eye(4))
    shift = np.eye(4)
    shift[0, 3] = 0.5

    found = resample_to(volume, Grid((8, 10, 11), shift))

    np.testing.assert_allclose(found.array, (ARRAY[1:] + ARRAY[:-1]) / 2, atol=1e-6)


def test_outside_is_background():
    shifted = np.eye(4)
    shifted[:3, 3] = 100.25

    for interpolation in ("linear", "nearest"):
        found = resample_to(
            Volume(ARRAY, np.eye(4)),
            Grid((3, 3, 3), shifted),
            interpolation=interpolation,
            background=-7,
        )
        np.testing.assert_array_equal(found.array, np.full((3, 3, 3), -7))


@pytest.mark.parametrize("dtype", ["u1", "i2", "?", ">i4", "i8", "f4", "f8"])
def test_nearest_keeps_dtype_and_values(dtype):
    labels = (np.arange(4 * 5 * 6).reshape(4, 5, 6) % 3).astype(dtype)

    found = resample(Volume(labels, np.eye(4)), 0.7, interpolation="nearest")

    assert found.array.dtype == np.dtype(dtype)
    assert set(np.unique(found.array)) == set(np.unique(labels))


def test_channels_are_sampled_alike():
    array = np.stack([ARRAY, 3 * ARRAY], -1)

    found = resample(Volume(array, np.eye(4)), 1.3)

    assert found.array.shape[-1] == 2
    np.testing.assert_allclose(found.array[..., 1], 3 * found.array[..., 0], rtol=1e-4)


@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 4)] * 3),
)
@settings(max_examples=50, deadline=None)
def test_resample_keeps_the_middle_and_nearly_the_edges(shape, spacing):
    affine = np.diag([1.0, -2.0, 1.5, 1.0])
    volume = Volume(np.zeros(shape, np.float32), affine)

    found = resample(volume, spacing)

    np.testing.assert_allclose(found.spacing, spacing, rtol=1e-6)
    one, other = outer_edges(volume), outer_edges(found)
    np.testing.assert_allclose(other.mean(0), one.mean(0), atol=1e-6)
    # A size is a whole number of voxels: half a voxel at either end, at most.
    at_least_one = np.maximum(spacing, np.abs(np.diff(one, axis=0))[0])
    assert (np.abs(other - one) <= at_least_one / 2 + 1e-6).all()


def test_exact_factor_keeps_the_field_of_view():
    volume = Volume(np.zeros((10, 12, 8), np.float32), np.diag([1, 1, 2, 1.0]))

    found = resample(volume, (2, 3, 1))

    assert found.shape == (5, 4, 16)
    np.testing.assert_allclose(outer_edges(found), outer_edges(volume))


def test_shrinking_smooths_away_what_the_grid_cannot_show():
    x = np.arange(64)
    stripes = np.broadcast_to(np.where(x % 2, 1.0, -1.0)[:, None, None], (64, 8, 8))
    volume = Volume(stripes.astype(np.float32), np.eye(4))

    found = resample_to(volume, Grid((15, 8, 8), np.diag([4, 1, 1, 1.0])))

    # Picking every fourth voxel would give a constant -1.
    assert np.abs(found.array[2:-2]).max() < 0.1


def test_smoothing_keeps_the_mean_and_leaves_other_axes_alone():
    impulse = np.zeros((33, 9, 9), np.float32)
    impulse[16, 4, 4] = 1
    volume = Volume(impulse, np.eye(4))

    found = resample_to(volume, Grid((11, 9, 9), np.diag([3, 1, 1, 1.0])))

    assert found.array[:, 4, 4].sum() * 3 == pytest.approx(1, rel=0.1)
    assert np.abs(np.delete(found.array, 4, axis=1)).max() < 1e-6


def test_enlarging_does_not_smooth():
    found = resample(Volume(ARRAY, np.eye(4)), 1 / 3)

    np.testing.assert_allclose(found.array[1::3, 1::3, 1::3], ARRAY, atol=1e-5)


@pytest.mark.parametrize("spacing", [0, -1, np.nan, np.inf, (1, 1, 0)])
def test_refuses_spacing(spacing):
    with pytest.raises(InputError, match="Received: spacing="):
        resample(Volume(ARRAY, np.eye(4)), spacing)


def test_refuses_interpolation():
    with pytest.raises(InputError, match="Received: interpolation='cubic'"):
        resample(Volume(ARRAY, np.eye(4)), 2, interpolation="cubic")


@pytest.mark.parametrize("size", [(9, 10, 11), (4, 20, 11), (1, 1, 1), (30, 3, 12)])
def test_crop_pad_keeps_voxels_at_their_place(size):
    affine = np.diag([1.0, -2.0, 3.0, 1.0])
    volume = Volume(ARRAY, affine)

    found = crop_pad(volume, size, background=5)

    assert found.shape == size
    assert found.array.dtype == ARRAY.dtype
    # The grids coincide, so that nearest sampling the result gives the original back.
    back = resample_to(found, Grid.of(volume), interpolation="nearest", background=9)
    kept = back.array != 9
    padding = (back.array == 5) & kept
    np.testing.assert_array_equal(back.array[kept & ~padding], ARRAY[kept & ~padding])
    expected = np.prod(np.minimum(size, ARRAY.shape))
    assert (kept & ~padding).sum() == expected


def test_odd_voxel_goes_to_the_end():
    line = np.arange(1, 6, dtype=np.float32).reshape(5, 1, 1)
    volume = Volume(line, np.eye(4))

    assert crop_pad(volume, (2, 1, 1)).array.ravel().tolist() == [2, 3]
    assert crop_pad(volume, (8, 1, 1)).array.ravel().tolist() == [
        0, 1, 2, 3, 4, 5, 0, 0
    ]  # fmt: skip


def test_crop_pad_about_a_world_point():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -10
    volume = Volume(ARRAY, affine)

    found = crop_pad(volume, (3, 3, 3), centre=(-2.2, 0.1, 1.8))

    np.testing.assert_array_equal(found.array, ARRAY[3:6, 4:7, 5:8])
    np.testing.assert_allclose(Grid.of(found).corners().mean(0), (-2, 0, 2))
