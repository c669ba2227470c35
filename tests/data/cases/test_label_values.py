"""Label maps as whole numbers, however a file holds them."""

import numpy as np
import pytest

from medzoo.data.cases.label_values import whole_labels
from medzoo.errors import InputError

LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 4))
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


@pytest.mark.parametrize(
    "array", [LABELS, LABELS * np.float32(0.9999995), ONE_HOT, LABELS[..., None]]
)
def test_a_map_is_read_as_it_is_meant(array):
    np.testing.assert_array_equal(whole_labels(array, "x.nii"), LABELS)


def test_a_map_without_a_channel_of_background_is_refused():
    # Its classes would be read as 0 and 1 instead of 1 and 2.
    with pytest.raises(InputError, match="the first being background"):
        whole_labels(ONE_HOT[..., 1:], "x.nii")


def test_a_few_voxels_without_a_class_are_background():
    one_hot = np.eye(2, dtype=np.uint8)[np.ones((10, 10, 10), int)]
    one_hot[0, 0, :5] = 0
    assert (whole_labels(one_hot, "x.nii") == 0).sum() == 5


@pytest.mark.parametrize(
    "array",
    [LABELS * 0.5, LABELS - 1.0, ONE_HOT * 0.9, np.ones((2, 2, 2, 2), np.uint8)],
)
def test_what_is_no_map_is_refused(array):
    with pytest.raises(InputError, match=r"x\.nii"):
        whole_labels(array, "x.nii")


def test_interpolated_maps_of_large_codes_are_refused():
    codes = np.array([0, 1017, 2035], np.float64)[LABELS]
    # As integers of 16 bits with a slope, such as nibabel writes.
    slope = 2035 / 65_535
    stored = np.rint(codes / slope) * slope
    np.testing.assert_array_equal(whole_labels(stored, "x.nii"), codes)
    codes[0, 0, 0] = 508.5
    with pytest.raises(InputError, match=r"x\.nii"):
        whole_labels(codes, "x.nii")
