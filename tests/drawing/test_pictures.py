"""Slices as PNG files: the way round, the size, and the colours of classes."""

import io

import numpy as np
import pytest

from medzoo.drawing.palette import class_colours
from medzoo.drawing.pictures import (
    OPACITY,
    blend,
    grey_levels,
    nearest,
    shrink,
    three_slices,
)
from medzoo.drawing.slice_views import displayed, middle_and_window, slice_of
from medzoo.volume import Volume


def read_png(content):
    image = pytest.importorskip("matplotlib.image")
    found = np.rint(255 * image.imread(io.BytesIO(content))).astype(np.uint8)
    return found[..., :3] if found.ndim == 3 else np.stack([found] * 3, -1)


def corner_volume(affine):
    """Dim, but for the right, front, upper corner (in RAS: high, high, high)."""
    array = np.full((20, 24, 28), 10, np.int16)
    array[10:, 12:, 14:] = 100
    return Volume(array, affine)


@pytest.mark.parametrize(
    ("signs", "bright"),
    [
        # Where the axis points to the right, high indices are on the left.
        ((1, 1, 1), {"coronal": "upper left", "axial": "upper left"}),
        ((-1, 1, 1), {"coronal": "upper right", "axial": "upper right"}),
        ((1, -1, 1), {"sagittal": "upper right", "axial": "lower left"}),
        ((1, 1, -1), {"sagittal": "lower left", "coronal": "lower left"}),
    ],
)
def test_right_is_left_and_front_is_left_and_up_is_up(signs, bright):
    volume = corner_volume(np.diag([*signs, 1.0]))
    seen = displayed(volume)
    last = tuple(np.argwhere(seen.array > 50).mean(axis=0).astype(int))
    for view, corner in bright.items():
        axis = {"sagittal": 0, "coronal": 1, "axial": 2}[view]
        picture = slice_of(seen.array, axis, last[axis])
        row, column = np.argwhere(picture > 50).mean(axis=0)
        up = "upper" if row < picture.shape[0] / 2 else "lower"
        side = "left" if column < picture.shape[1] / 2 else "right"
        assert f"{up} {side}" == corner, view


def test_pictures_have_square_pixels_and_one_scale(head_phantom):
    volume = head_phantom((2.0, 4.0, 8.0), "LPS")
    sizes = {
        view: read_png(png).shape[:2] for view, png in three_slices(volume).items()
    }
    # 176 x 220 x 208 mm in pixels of 2 mm.
    assert sizes == {"coronal": (104, 88), "sagittal": (104, 110), "axial": (110, 88)}
    small = three_slices(volume, longest=55)
    assert read_png(small["sagittal"]).shape[:2] == (52, 55)


def test_labels_are_laid_over_the_scan_where_they_are(head_phantom):
    volume = head_phantom(4.0)
    labels = volume.with_array((volume.array > 140).astype(np.uint8))
    plain = read_png(three_slices(volume)["axial"]).astype(int)
    over = read_png(three_slices(volume, labels)["axial"]).astype(int)
    coloured = np.ptp(over, axis=-1) > 0
    assert 0.1 < coloured.mean() < 0.9
    np.testing.assert_array_equal(over[~coloured], plain[~coloured])
    wanted = plain[coloured] * (1 - OPACITY) + class_colours(1)[0] * OPACITY
    assert np.abs(over[coloured] - wanted).max() <= 1


def test_shrinking_keeps_the_mean_and_classes_stay_classes():
    picture = np.random.default_rng(0).integers(0, 256, (60, 40), np.uint8)
    small = shrink(picture, (1.0, 1.5), 3.0)
    assert small.shape == (20, 20)
    assert small.mean() == pytest.approx(picture.mean(), abs=0.5)
    np.testing.assert_array_equal(shrink(picture, (1, 1), 1), picture)
    classes = np.repeat(np.repeat(np.array([[0, 7], [200, 3]]), 5, 0), 5, 1)
    np.testing.assert_array_equal(nearest(classes, (1, 1), 5), [[0, 7], [200, 3]])


def test_a_flat_volume_and_one_with_few_bright_voxels_are_drawn():
    flat = Volume(np.full((4, 4, 4), 7.0), np.eye(4))
    assert middle_and_window(displayed(flat)) == ((2, 2, 2), (7.0, 8.0))
    array = np.zeros((20, 20, 20), np.float32)
    array[4, 5, 6] = 3.0
    middle, window = middle_and_window(displayed(Volume(array, np.eye(4))))
    assert middle == (4, 5, 6)
    assert window == (0.0, 3.0)
    assert grey_levels(np.array([-9, 0, 1.5, 3, np.inf]), window).tolist() == [
        0,
        0,
        128,
        255,
        255,
    ]


def test_voxels_that_are_no_numbers_are_black(head_phantom):
    volume = head_phantom(8.0)
    array = volume.array.copy()
    array[:3] = np.nan
    assert len(three_slices(volume.with_array(array))) == 3


def simulated(colours, kind):
    """Colours as protanopes or deuteranopes see them (Vienot 1999), linear RGB."""
    linear = (colours / 255.0) ** 2.2
    matrix = {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.004, -0.004, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.022, 0.022, 1]],
    }[kind]
    return np.clip(linear @ np.transpose(matrix), 0, 1) ** (1 / 2.2) * 255


@pytest.mark.parametrize("kind", ["protan", "deutan"])
def test_the_first_eight_colours_differ_for_colour_blind_people(kind):
    seen = simulated(class_colours(8).astype(float), kind)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[np.triu_indices(8, 1)].min() > 35
    assert len({tuple(c) for c in class_colours(24)}) == 24
    assert class_colours(25)[24].tolist() == class_colours(1)[0].tolist()


def test_background_keeps_its_grey():
    grey = np.array([[10, 200]], np.uint8)
    mixed = blend(grey, np.array([[0, 1]]), 1.0)
    np.testing.assert_array_equal(mixed[0], [[10, 10, 10], class_colours(1)[0]])


def test_bright_fat_beside_a_coil_does_not_darken_the_brain(head_phantom):
    volume = head_phantom(4.0)
    _, usual = middle_and_window(displayed(volume))
    fat = np.where(volume.array == volume.array.max(), 1000, volume.array)
    _, window = middle_and_window(displayed(volume.with_array(fat)))
    assert window[1] < 500
    # White stays where the brain is as bright as anything.
    assert usual[1] == pytest.approx(np.percentile(volume.array, 99.8), rel=0.01)
    # An empty middle makes nothing white.
    hollow = np.zeros((30, 30, 30), np.float32)
    hollow[:5] = 100
    assert middle_and_window(displayed(Volume(hollow, np.eye(4))))[1] == (0, 40)


def test_small_intensities_are_drawn_as_large_ones(head_phantom):
    head = head_phantom(8.0)
    middle, (low, high) = middle_and_window(displayed(head))
    small = head.with_array(head.array.astype(np.float32) * 1e-4)
    again, window = middle_and_window(displayed(small))
    assert again == middle
    np.testing.assert_allclose(window, (low * 1e-4, high * 1e-4), rtol=1e-3)
