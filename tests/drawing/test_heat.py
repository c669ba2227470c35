"""A signed map over slices: colours, limits, and where it cuts."""

import numpy as np
import pytest

from medzoo.drawing.heat import (
    LOWERS,
    MOST_OPAQUE,
    RAISES,
    coloured,
    heat_slices,
    limit_of,
    side_by_side,
    strongest,
)
from medzoo.volume import Volume


def test_what_raises_and_what_lowers_have_their_colours():
    grey = np.full((1, 3), 100.0)

    found = coloured(grey, np.array([[2.0, 0.0, -9.0]]), 2.0)

    for place, colour in ((0, RAISES), (2, LOWERS)):
        mixed = 100 * (1 - MOST_OPAQUE) + colour * MOST_OPAQUE
        np.testing.assert_allclose(found[0, place], mixed, atol=0.51)
    assert (found[0, 1] == 100).all()


def test_slices_go_through_where_the_map_is_strongest():
    signed = np.zeros((5, 6, 7))
    signed[1, 2, 3] = -4

    assert strongest(signed) == (1, 2, 3)


def test_the_limit_is_no_single_voxel_and_never_nothing():
    values = np.append(np.ones(1000), 1e6)

    assert limit_of(values) == pytest.approx(1)
    assert limit_of(np.zeros(4)) == 1


def test_pictures_are_square_pixels_of_any_orientation(head_phantom):
    scan = head_phantom((8.0, 4.0, 6.0), "PIL")
    heat = np.zeros(scan.shape, np.float32)
    heat[tuple(n // 2 for n in scan.shape)] = 1
    shapes = []

    for volume in (scan, head_phantom((4.0, 8.0, 6.0), "RAS")):
        own = volume.with_array(np.resize(heat, volume.shape))
        pictures, limit = heat_slices(volume, own, 64)
        assert limit > 0
        shapes.append({view: p.shape for view, p in pictures.items()})

    assert shapes[0].keys() == {"coronal", "sagittal", "axial"}
    # 176 x 208 mm, the longest of all views being 220.
    rows, columns, _ = shapes[0]["coronal"]
    assert rows / columns == pytest.approx(208 / 176, abs=0.1)
    assert max(max(shape) for shape in shapes[0].values()) <= 64


def test_a_picture_of_three_views_is_one_png():
    views = [np.zeros((n, 4, 3), np.uint8) for n in (3, 5, 2)]

    data = side_by_side(views)

    width, height = (int.from_bytes(data[a : a + 4], "big") for a in (16, 20))
    assert (width, height) == (24, 5)


def test_a_map_on_another_scan_is_coloured_where_it_is_strong(head_phantom):
    scan = head_phantom(6.0)
    heat = Volume(np.where(scan.array > 150, 1.0, 0.0).astype("f4"), scan.affine)

    pictures, _ = heat_slices(scan, heat, 64, middle=(14, 18, 17))

    assert any(np.ptp(picture, axis=-1).max() > 60 for picture in pictures.values())
