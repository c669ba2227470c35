"""Views of training: what they take, and stripping by a label map."""

import numpy as np
import pytest

from medzoo.data.cases.training_views import read_views, strip
from medzoo.errors import InputError, RecipeError


def test_strip_grows_the_mask_by_millimetres(head_phantom):
    head = head_phantom(spacing=4.0)
    brain = head_phantom(spacing=4.0, skull=False)
    labels = head.with_array((brain.array > 60).astype(np.uint8))
    tight = strip(head, labels, above=0, dilate_mm=0).array != 0
    wide = strip(head, labels, above=0, dilate_mm=8.0).array != 0
    radius = [(3 * mask.sum() * 64 / (4 * np.pi)) ** (1 / 3) for mask in (tight, wide)]
    assert 6 < radius[1] - radius[0] < 10
    with pytest.raises(InputError, match="above 5"):
        strip(head, labels, above=5, dilate_mm=0)


def test_strip_takes_the_same_voxels_of_every_channel(head_phantom):
    head = head_phantom(spacing=8.0)
    several = head.with_array(np.stack([head.array, 2 * head.array + 1], -1))
    labels = head.with_array((head.array > head.array.mean()).astype(np.uint8))
    found = strip(several, labels, above=0, dilate_mm=8.0).array
    assert found.shape == several.array.shape
    one = strip(head, labels, above=0, dilate_mm=8.0).array
    np.testing.assert_array_equal(found[..., 0], one)
    outside = one == 0
    assert outside.any()
    assert not found[outside, 1].any()
    assert (found[~outside, 1] > 0).all()
    # A single channel may stand on an axis of its own.
    column = strip(
        head.with_array(head.array[..., None]), labels, above=0, dilate_mm=8.0
    )
    np.testing.assert_array_equal(column.array[..., 0], one)


def test_first_view_must_be_the_scan_itself():
    by = {"column": "regions", "above": 0, "dilate_mm": 0}
    with pytest.raises(RecipeError, match="first view"):
        read_views({"views": [{"strip": by}]})
    with pytest.raises(RecipeError, match="Received"):
        read_views({"views": [{"flip": True}]})


@pytest.mark.parametrize(
    "view",
    [
        {"rate": "often"},
        {"rate": -1},
        {"num_variants": 1.5},
        {"strip": 3},
        {"augmentation": "x"},
        3,
        "x",
    ],
)
def test_a_view_of_another_kind_is_refused(view):
    with pytest.raises(RecipeError, match="A view takes"):
        read_views({"views": [view]})
