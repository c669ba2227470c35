"""Grids of larger and smaller voxels: outer edges stay where they are."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.spatial.factor_grid import (
    coarser_affine,
    factor_of,
    finer_affine,
    three_factors,
)

AFFINE = np.array([[0, -2.0, 0, 5], [1.5, 0, 0.3, -7], [0, 0, 3, 11], [0, 0, 0, 1]])


@pytest.mark.parametrize("factor", [1, 3, (4, 1, 2)])
def test_the_outer_edge_of_the_first_voxel_stays(factor):
    edge = [-0.5, -0.5, -0.5, 1.0]
    for change in (coarser_affine, finer_affine):
        np.testing.assert_allclose(change(AFFINE, factor) @ edge, AFFINE @ edge)


def test_voxels_are_so_many_times_as_large_and_back():
    coarse = coarser_affine(AFFINE, (4, 1, 2))
    np.testing.assert_allclose(coarse[:3, :3], AFFINE[:3, :3] * (4, 1, 2))
    np.testing.assert_allclose(finer_affine(coarse, (4, 1, 2)), AFFINE)


def test_one_factor_is_that_of_every_axis():
    assert three_factors(2) == three_factors(np.array([2, 2, 2])) == (2, 2, 2)


@pytest.mark.parametrize("factor", [0, 1.5, (2, 2), (2, -1, 2), "222"])
def test_factors_are_positive_whole_numbers(factor):
    with pytest.raises(InputError, match="Received: factor="):
        three_factors(factor)


def test_a_recipe_names_its_factor_or_takes_that_of_the_network():
    arguments = {"upsampling_factor": [4, 2, 1]}
    assert factor_of({"architecture": {"arguments": arguments}}) == (4, 2, 1)
    assert factor_of({"architecture": {"arguments": {}}}) == (2, 2, 2)
