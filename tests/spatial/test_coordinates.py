"""Coordinates of an atlas as channels of a scan."""

import numpy as np
import pytest

from medzoo.spatial import Grid
from medzoo.spatial.atlas import atlas
from medzoo.spatial.chain import SpatialChain
from medzoo.spatial.coordinates import UNIT_MM, atlas_coordinates
from medzoo.volume import Volume

NAME = "ixi_t1_4mm"


def test_coordinates_are_those_of_the_world_where_nothing_moved():
    affine = np.diag([2.0, 3, 4, 1])
    affine[:3, 3] = (-10, 5, 7)
    centre = np.array([1.0, 2.0, 3.0])
    found = atlas_coordinates(Grid((6, 5, 4), affine), np.eye(4), centre)

    index = np.array([1, 2, 3])
    world = affine[:3, :3] @ index + affine[:3, 3]
    expected = (abs(world[0]), world[1] - 2, world[2] - 3)
    np.testing.assert_allclose(
        found[tuple(index)], np.array(expected) / UNIT_MM, atol=1e-6
    )
    signed = atlas_coordinates(
        Grid((6, 5, 4), affine), np.eye(4), centre, mirrored=False
    )
    assert signed[1, 2, 3, 0] == pytest.approx(world[0] / UNIT_MM)


@pytest.fixture(scope="module")
def head():
    """The atlas's own brain, moved by 15 mm and turned about."""
    source = atlas(NAME)
    move = np.eye(4)
    move[:3, 3] = (15, -10, 5)
    return Volume(source.brain[::-1], move @ source.grid.affine @ _flip(source))


def _flip(source):
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = source.brain.shape[0] - 1
    return flip


STEP = {"step": "add_coordinates", "arguments": {"atlas": NAME, "mirrored": False}}


def test_the_step_finds_the_head_wherever_it_lies(head):
    placed, undo = SpatialChain([STEP])(head)

    assert placed.array.shape == (*head.shape, 4)
    np.testing.assert_array_equal(placed.array[..., 0], head.array)
    index = np.argwhere(head.array > 0.5)[::50]
    true = index @ head.affine[:3, :3].T + head.affine[:3, 3] - (15, -10, 5)
    centre = atlas(NAME).centre * (0, 1, 1)
    found = placed.array[tuple(index.T)][:, 1:] * UNIT_MM + centre
    assert np.abs(found - true).mean() < 1.0
    across = index @ undo.to_atlas[0, :3] + undo.to_atlas[0, 3]
    np.testing.assert_allclose(across, found[:, 0], atol=1e-3)


def test_behind_a_registration_coordinates_are_those_of_the_grid(head):
    sample = {"shape": [20, 24, 20], "spacing": 8.0, "centre": [0, -18, 6]}
    steps = [
        {"step": "register", "arguments": {"atlas": NAME}},
        {"step": "sample", "arguments": sample},
        STEP,
    ]
    placed, _ = SpatialChain(steps)(head)

    expected = placed.affine[0, 0] * np.arange(20) + placed.affine[0, 3]
    found = placed.array[:, 3, 3, 1] * UNIT_MM
    np.testing.assert_allclose(found, expected, atol=1e-3)
