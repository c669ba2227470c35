"""Matrices along one axis, against what they stand for."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from medzoo.layers import axis_matrix
from medzoo.layers.axis_names import as_axes, axis_indices, draw_axis
from medzoo.layers.ranges import range_within, whole_range

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6, 7, 3)).astype("f4")


def f4(*values):
    return np.asarray(values, "f4")


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["shared", "volume", "channel"])
def test_apply_along_axis_is_a_product_on_every_line(axis, channels, kind):
    x = X[..., :channels]
    leading = {"shared": (), "volume": (2,), "channel": (2, channels)}[kind]
    matrix = RNG.normal(size=(*leading, 4, x.shape[axis + 1])).astype("f4")

    found = axis_matrix.apply_along_axis(x, ops.convert_to_tensor(matrix), axis)

    full = (
        matrix if kind == "channel" else np.reshape(matrix, (-1, 1, *matrix.shape[-2:]))
    )
    full = np.broadcast_to(full, (2, channels, *full.shape[-2:]))
    expected = np.einsum("bcmn,b...nc->b...mc", full, np.moveaxis(x, axis + 1, -2))
    np.testing.assert_allclose(
        found, np.moveaxis(expected, -2, axis + 1), rtol=1e-4, atol=1e-5
    )


def test_gaussian_agrees_with_scipy_inside_and_keeps_constants():
    found = np.array(axis_matrix.gaussian_matrix(25, f4(0, 0.7, 2)))

    np.testing.assert_array_equal(found[0], np.eye(25))
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    impulse = np.eye(25)[12]
    for matrix, sigma in zip(found[1:], (0.7, 2), strict=True):
        expected = ndimage.gaussian_filter(impulse, sigma, mode="constant", radius=12)
        np.testing.assert_allclose(matrix[12], expected, atol=1e-6)


def test_slices_average_what_lies_in_them():
    found = np.array(axis_matrix.slice_matrix(6, f4(1, 2, 2, 1.5), f4(1, 2, 0, 1.5)))

    np.testing.assert_array_equal(found[0], np.eye(6))
    np.testing.assert_allclose(found[1, 1], [0, 0, 0.5, 0.5, 0, 0])
    np.testing.assert_allclose(found[2, 1], [0, 0, 0, 1, 0, 0])
    # From 1.5 to 3: half of voxel 1, the whole of voxel 2.
    np.testing.assert_allclose(found[3, 1], [0, 1 / 3, 2 / 3, 0, 0, 0], atol=1e-6)


def test_a_spacing_beyond_the_volume_is_one_slice():
    spacing = f4(100)
    slices = np.array(axis_matrix.slice_matrix(6, spacing, spacing))
    back = np.array(axis_matrix.interpolation_matrix(6, spacing))

    np.testing.assert_allclose((back @ slices)[0], np.full((6, 6), 1 / 6), atol=1e-6)


@pytest.mark.parametrize("spacing", [1.0, 1.3, 2.0, 3.7])
def test_there_and_back_keeps_constants_and_lines(spacing):
    size = 37
    slices = np.array(axis_matrix.slice_matrix(size, f4(spacing), f4(spacing)))[0]
    back = np.array(axis_matrix.interpolation_matrix(size, f4(spacing)))[0]
    both = back @ slices

    np.testing.assert_allclose(both.sum(1), 1, atol=1e-5)
    line = np.arange(size)
    inner = slice(4, -6)
    # The average over a slice of a line is its value at the centre, up to how the
    # voxels at the rim of the slice are shared.
    np.testing.assert_allclose((both @ line)[inner], line[inner], atol=0.13)
    if spacing == 1:
        np.testing.assert_array_equal(both, np.eye(size))


def test_hat_functions_interpolate_between_control_points():
    matrix = np.array(axis_matrix.hat_matrix(9, 3))
    values = f4(2, -1, 5)

    expected = np.interp(np.arange(9), [0, 4, 8], values)
    np.testing.assert_allclose(matrix @ values, expected, atol=1e-6)
    assert np.array(axis_matrix.hat_matrix(1, 3)).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("size", [7, 8])
def test_spectrum_matrix_is_a_fourier_transform_and_back(size):
    frequencies = np.array(axis_matrix.signed_frequencies(size))
    np.testing.assert_array_equal(
        frequencies % size, np.fft.fftfreq(size, 1 / size).astype(int) % size
    )
    passed = RNG.random(size // 2 + 1)[np.abs(frequencies)]
    x = RNG.normal(size=size)

    found = np.array(axis_matrix.spectrum_matrix(size, passed[None].astype("f4")))[0]

    expected = np.fft.ifft(np.fft.fft(x) * passed)
    np.testing.assert_allclose(expected.imag, 0, atol=1e-9)
    np.testing.assert_allclose(found @ x, expected.real, atol=1e-5)


def test_axis_indices():
    assert axis_indices(("IS", 0)) == [2, 0]
    assert as_axes("LR") == ("LR",)
    assert as_axes([0, "IS"]) == (0, "IS")
    for axes in ((), (0, "LR"), (3,), ("up",)):
        with pytest.raises(ValueError, match="Received: axes="):
            axis_indices(axes)


def test_an_axis_of_those_given_is_drawn():
    drawn = np.array(draw_axis([2, 0], (200,), seed=1))

    assert drawn.shape == (200, 3)
    np.testing.assert_array_equal(drawn.sum(1), 1)
    assert 70 < drawn[:, 0].sum() < 130
    assert not drawn[:, 1].any()


def test_ranges():
    assert range_within(3, "factor", least=1) == (1, 3)
    assert range_within((0.5, 1), "intensity", most=1) == (0.5, 1)
    assert whole_range(4, "num_boxes") == (4, 4)
    assert whole_range([2, 5], "num_boxes") == (2, 5)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]. Received: size="):
        range_within((0, 2), "size", most=1)
    for value in (-1, (3, 2), (0, 1.5)):
        with pytest.raises(ValueError, match="Received: num_boxes="):
            whole_range(value, "num_boxes")
