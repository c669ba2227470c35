"""What viewers draw: voxels made fewer keep their place, a signed map its sign."""

import numpy as np
import pytest

from medzoo.inference.prediction import Prediction
from medzoo.reporting.display import make_display, reduced, with_heat
from medzoo.reporting.viewer import viewer
from medzoo.volume import Volume


@pytest.fixture
def scan():
    """A scan in LPS with one bright block, spacing 1.5 mm."""
    array = np.zeros((16, 12, 10), np.float32)
    array[4:8, 4:8, 4:8] = 100
    return Volume(array, np.diag([-1.5, -1.5, 1.5, 1.0]))


@pytest.fixture
def display(scan):
    return make_display(scan, Prediction("regression", "a@1", value=1.0, unit="years"))


def centre(array, affine):
    return np.argwhere(array > 100).mean(0) @ affine[:3, :3].T + affine[:3, 3]


def test_a_display_lies_in_the_world_of_the_scan(display, scan):
    own = centre(scan.array * 2, scan.affine)

    np.testing.assert_allclose(centre(display.layers["image"], display.affine), own)
    small = reduced(display, display.layers["image"].size / 8)
    assert small.shape == (8, 6, 5)
    np.testing.assert_allclose(centre(small.layers["image"], small.affine), own)
    assert reduced(display, 1e9) is display


def test_a_map_keeps_its_sign_and_the_views_start_where_it_is_strongest(display, scan):
    signed = np.zeros(scan.shape, np.float32)
    signed[5, 6, 7] = 2.0
    signed[1, 2, 3] = -0.5
    shown = with_heat(display, scan.with_array(signed), 1.0)
    heat = shown.layers["heat"].astype(int) - 128

    # Left and right, front and back change places from LPS to RAS.
    assert shown.middle == (10, 5, 7)
    assert heat[10, 5, 7] == 127
    assert heat[14, 9, 3] == -64
    assert (heat != 0).sum() == 2
    markup = viewer(shown, 100_000, "t1")
    assert "data-heat=" in markup
    assert "Opacity of the map" in markup
    assert "Opacity of the classes" not in markup
