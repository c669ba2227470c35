"""The intensity scale of what lies in an image."""

import numpy as np
import pytest

from medzoo.spatial.foreground import foreground_scale


def block(low, high):
    image = np.full((10, 10, 10), low, "f4")
    image[3:7, 3:7, 3:7] = high
    return image


def test_background_and_height_of_a_block():
    assert foreground_scale(block(5, 25)) == pytest.approx((5, 20))


def test_a_change_of_unit_changes_them_alike():
    background, height = foreground_scale(3 * block(5, 25) + 10)
    assert (background, height) == pytest.approx((25, 60))


def test_a_dark_voxel_is_not_the_background():
    image = block(5, 25)
    image[0, 0, 0] = -1e4
    assert foreground_scale(image)[0] == pytest.approx(5)


def test_a_constant_image_has_the_height_one():
    assert foreground_scale(np.full((4, 4, 4), 7.0)) == (7.0, 1.0)
