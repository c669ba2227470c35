"""Boxes cut out of arrays that may be too small for them."""

import numpy as np
import pytest

from medzoo.data.feeds.boxes import centre_box, cut_box

ARRAY = np.arange(1, 4 * 5 * 6 * 2 + 1).reshape(4, 5, 6, 2)


def test_a_box_inside_is_a_view():
    box = cut_box(ARRAY, (1, 0, 2), (3, 5, 2))

    assert box.base is not None
    np.testing.assert_array_equal(box, ARRAY[1:4, 0:5, 2:4])


@pytest.mark.parametrize("start", [(-2, 0, 0), (0, -1, 3), (2, 3, -3), (-1, -1, -1)])
def test_a_box_that_leaves_the_array_is_padded_with_zeros(start):
    wide = np.pad(ARRAY, [(9, 9)] * 3 + [(0, 0)])
    x, y, z = (a + 9 for a in start)

    expected = wide[x : x + 6, y : y + 7, z : z + 8]
    np.testing.assert_array_equal(cut_box(ARRAY, start, (6, 7, 8)), expected)


def test_the_middle_of_a_box_with_a_margin_is_the_box():
    inner = cut_box(ARRAY, (0, 0, 0), (4, 8, 6))
    outer = cut_box(ARRAY, (-2, -2, -2), (8, 12, 10))

    np.testing.assert_array_equal(centre_box(outer, np.array([4, 8, 6])), inner)
