"""Fitted windows: no voxel is computed twice that need not be."""

from math import prod

import numpy as np
import pytest

from medzoo.inference.fitted_window import (
    computed_voxels,
    fitted_window,
    multiple,
    within,
)
from medzoo.inference.memory_plan import window_voxels

TISSUE, TISSUE_OVERLAP, TISSUE_CLASSES = (160, 112, 96), 0.1, 9


@pytest.mark.parametrize(
    ("size", "most", "fitted"),
    [
        # All at once, padded up to a multiple of 16.
        (155, 160**3, [160, 160, 160]),
        (40, 160**3, [48, 48, 48]),
        # One axis by three windows of 80, of which each shares a quarter.
        (191, 192 * 192 * 80, [80, 192, 192]),
        # Nothing said of memory: two windows of 96 cover 155, two of 112 191, and one
        # of 128 does for 120.
        (155, None, [96, 96, 96]),
        (191, None, [112, 112, 112]),
        (120, None, [128, 128, 128]),
        # Less than any window that is long enough: what was asked for.
        (191, 50**3, [96, 96, 96]),
        (80, 50**3, [80, 80, 80]),
    ],
)
def test_a_cube_is_covered_by_the_fewest_voxels(size, most, fitted):
    assert fitted_window((size,) * 3, (96,) * 3, 0.25, most) == fitted


def test_an_axis_is_divided_where_it_costs_least():
    # 145 takes 160 whole and by two windows of 80; 200 takes 208, or 224 by two.
    window = fitted_window((145, 200, 160), (96, 96, 96), 0.1, 208 * 160 * 80)
    assert window == [80, 208, 160]


def test_voxels_computed_are_those_of_all_windows():
    # Two windows along the first axis, one along the others, one of them longer.
    assert computed_voxels((60, 32, 20), (32, 32, 32), 0.1) == 2 * 32**3


def test_a_window_is_no_longer_than_a_padded_volume():
    assert within((96, 40, 96), (33, 100, 96)) == [48, 40, 96]
    assert multiple(32) == 32
    assert multiple(32.5) == 48


def test_heads_of_every_size_cost_little_more_than_their_box():
    # Boxes of heads, margin included, from small to large, on a grid of 1 mm.
    rng = np.random.default_rng(0)
    boxes = rng.integers((130, 155, 130), (185, 232, 190), (300, 3))
    most = window_voxels(TISSUE_CLASSES, memory_limit=8_000_000_000)

    costs = []
    for box in boxes.tolist():
        window = fitted_window(box, TISSUE, TISSUE_OVERLAP, most)
        assert prod(window) <= most
        costs.append(computed_voxels(box, window, TISSUE_OVERLAP) / prod(box))

    assert np.mean(costs) <= 1.2
    assert max(costs) <= 1.4
