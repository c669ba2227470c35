import numpy as np
import pytest

from medzoo.metrics import (
    average_surface_distance,
    hausdorff_distance,
    segmentation_metrics,
    surface_dice,
)
from medzoo.metrics.surface_distance import surface_distances


def cube(low, high, shape=(20, 20, 20)):
    mask = np.zeros(shape, bool)
    mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return mask


def voxel(*index):
    return cube(index, [i + 1 for i in index])


def test_two_voxels_by_hand():
    a, b = voxel(2, 3, 4), voxel(5, 7, 4)

    assert hausdorff_distance(a, b, 1) == 5
    assert hausdorff_distance(a, b, (2, 0.5, 9)) == pytest.approx(np.hypot(6, 2))
    assert average_surface_distance(a, b, 1) == 5
    assert surface_dice(a, b, 1, 5) == 1
    assert surface_dice(a, b, 1, 4.9) == 0


def test_shifted_plates_by_hand():
    a, b = cube((5, 0, 0), (6, 20, 20)), cube((8, 0, 0), (9, 20, 20))

    assert hausdorff_distance(a, b, (2, 1, 1)) == 6
    assert average_surface_distance(a, b, (2, 1, 1)) == 6
    assert surface_dice(a, b, (2, 1, 1), 6) == 1


def test_percentile_forgives_an_outlier():
    a = cube((4, 4, 4), (12, 12, 12))
    b = a | voxel(19, 19, 19)

    assert hausdorff_distance(a, b, 1, percentile=100) == pytest.approx(8 * 3**0.5)
    assert hausdorff_distance(a, b, 1) == 0
    assert average_surface_distance(b, a, 1) > 0
    assert average_surface_distance(a, b, 1, symmetric=False) == 0


def test_surface_is_what_has_a_neighbour_outside():
    a, b = cube((4, 4, 4), (9, 9, 9)), cube((4, 4, 4), (9, 9, 10))
    # 98 surface voxels of 125; the longer one has 125 + 25 - 27 - 9 = 114.
    both = 98 + 114
    moved = 9 + 25  # inner voxels of the old face, and the new face
    inside = both - moved

    assert surface_dice(a, b, 1, 0) == pytest.approx(inside / both)
    assert surface_dice(a, b, 1, 1) == 1


def test_empty_masks_are_defined():
    none, some = np.zeros((5, 5, 5), bool), cube((1, 1, 1), (3, 3, 3), (5, 5, 5))

    for distance in (hausdorff_distance, average_surface_distance):
        assert np.isnan(distance(none, none, 1))
        assert distance(none, some, 1) == np.inf
        assert distance(some, none, 1) == np.inf
        assert distance(some, some, 1) == 0
    assert np.isnan(surface_dice(none, none, 1, 1))
    assert surface_dice(none, some, 1, 1) == 0
    assert surface_dice(some, none, 1, 1) == 0


def test_symmetric_and_independent_of_the_field_of_view():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 9, 8, 7)) > 0.7
    wide = [np.pad(m, 5) for m in (a, b)]

    for measure in (hausdorff_distance, average_surface_distance):
        found = measure(a, b, (1, 2, 3))
        assert found == measure(b, a, (1, 2, 3))
        assert found == measure(*wide, (1, 2, 3))


def test_distances_are_those_of_all_pairs():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 6, 5, 7)) > 0.6
    spacing = np.array([1.0, 0.5, 3.0])
    inner = [np.zeros_like(m) for m in (a, b)]
    for mask, interior in zip((a, b), inner, strict=True):
        core = mask[1:-1, 1:-1, 1:-1].copy()
        for axis in range(3):
            for step in (-1, 1):
                core &= np.roll(mask, step, axis)[1:-1, 1:-1, 1:-1]
        interior[1:-1, 1:-1, 1:-1] = core
    points = [np.argwhere(m & ~i) * spacing for m, i in zip((a, b), inner, strict=True)]
    pairs = np.linalg.norm(points[0][:, None] - points[1][None], axis=-1)

    there, back = surface_distances(a, b, spacing)

    np.testing.assert_allclose(there, pairs.min(1), atol=1e-12)
    np.testing.assert_allclose(back, pairs.min(0), atol=1e-12)
    assert hausdorff_distance(a, b, spacing, 50) == pytest.approx(
        max(np.percentile(pairs.min(1), 50), np.percentile(pairs.min(0), 50))
    )


def test_table_of_classes():
    target = np.zeros((6, 6, 6), "u1")
    target[1:3] = 1
    target[4] = 2
    prediction = np.where(target == 2, 0, target)
    prediction[3] = 1

    found = segmentation_metrics(prediction, target, 4, (1, 1, 2), tolerance_mm=1)

    assert found[1]["dice"] == pytest.approx(2 * 72 / (72 + 108))
    assert found[1]["volume_ml"] == pytest.approx(0.216)
    assert found[1]["true_volume_ml"] == pytest.approx(0.144)
    assert found[1]["absolute_volume_difference"] == pytest.approx(50)
    assert found[1]["hausdorff_distance_95"] == pytest.approx(1)
    assert found[1]["surface_dice"] == 1
    assert found[2]["dice"] == 0
    assert found[2]["hausdorff_distance_95"] == np.inf
    assert all(np.isnan(found[3][k]) for k in ("dice", "average_surface_distance"))
    assert found[3]["volume_ml"] == 0
    short = segmentation_metrics(prediction, target, 4, 1, surfaces=False)
    assert "surface_dice" not in short[1]


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), 1),
        (np.zeros((2, 2, 2), bool), np.zeros((2, 2, 3), bool), 1),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), 1),
        (np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool), 0),
        (np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool), (1, -1, 1)),
        (np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool), (1, 1)),
    ],
)
def test_refuses(arguments):
    with pytest.raises(ValueError, match="Received"):
        hausdorff_distance(*arguments)


def test_refuses_percentile_tolerance_and_labels():
    mask = np.ones((2, 2, 2), bool)
    with pytest.raises(ValueError, match="percentile=0"):
        hausdorff_distance(mask, mask, 1, percentile=0)
    with pytest.raises(ValueError, match="tolerance_mm=-1"):
        surface_dice(mask, mask, 1, -1)
    with pytest.raises(ValueError, match="target from 3 to 3"):
        segmentation_metrics(mask, np.full((2, 2, 2), 3), 3, 1)
    with pytest.raises(ValueError, match="num_classes=1"):
        segmentation_metrics(mask, mask, 1, 1)
    with pytest.raises(ValueError, match="tolerance_mm=nan"):
        segmentation_metrics(mask, mask, 2, 1, tolerance_mm=np.nan)
    with pytest.raises(ValueError, match="dtypes=float64"):
        segmentation_metrics(mask * 1.0, mask, 3, 1)
