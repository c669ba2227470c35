"""A label map that lies elsewhere than its image is refused, or told as odd."""

import numpy as np
import pytest

from medzoo.data.cases.case import Case
from medzoo.data.cases.label_values import whole_labels
from medzoo.data.feeds.patch_feed import PatchFeed
from medzoo.errors import InputError, MedzooWarning
from medzoo.io import write
from medzoo.spatial.label_place import label_doubts
from medzoo.volume import Volume


@pytest.fixture(scope="module")
def head(head_phantom):
    # Away from the origin, as scanners place heads, and not symmetric.
    return head_phantom(spacing=4.0, shift=(30.0, -45.0, 60.0))


@pytest.fixture(scope="module")
def labels(head, head_phantom):
    brain = head_phantom(spacing=4.0, skull=False).array
    array = np.digitize(brain, [30, 80, 140]).astype(np.int32)
    return Volume(array, head.affine)


def placed(labels, kind):
    affine = np.array(labels.affine)
    array = labels.array
    if kind == "identity affine":
        affine = np.eye(4)
    elif kind == "mirrored x":
        affine = np.diag([-1.0, 1, 1, 1]) @ affine
    elif kind == "LPS for RAS":
        affine = np.diag([-1.0, -1, 1, 1]) @ affine
    elif kind == "60 mm off":
        affine[1, 3] += 60
    elif kind == "cropped, old affine":
        inside = np.argwhere(array)
        low, high = inside.min(axis=0), inside.max(axis=0) + 1
        array = array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return Volume(array, affine)


def test_labels_in_their_place_raise_no_doubt(head, labels):
    assert label_doubts(head, labels) == (None, [])
    lesion = np.zeros(labels.shape, np.uint8)
    lesion[20:22, 30:32, 28:30] = 1
    assert label_doubts(head, labels.with_array(lesion)) == (None, [])
    everything = labels.with_array(labels.array + 1)
    assert label_doubts(head, everything) == (None, [])
    nothing = labels.with_array(np.zeros(labels.shape, np.uint8))
    assert label_doubts(head, nothing) == (None, [])


@pytest.mark.parametrize(
    "kind",
    [
        "identity affine",
        "mirrored x",
        "LPS for RAS",
        "60 mm off",
        "cropped, old affine",
    ],
)
def test_labels_that_lie_elsewhere_are_found(head, labels, kind):
    refused, odd = label_doubts(head, placed(labels, kind))
    assert refused or odd


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda array: np.roll(array, 6, axis=1),
            "moved by -6 voxels along its second",
        ),
        (lambda array: array.transpose(1, 0, 2), "its first and second axis exchanged"),
        (lambda array: array.transpose(0, 2, 1), "its second and third axis exchanged"),
    ],
    ids=["rolled", "first two axes exchanged", "last two axes exchanged"],
)
def test_a_map_on_the_same_grid_that_was_laid_wrongly_is_told(
    head_phantom, change, told
):
    grid = {"spacing": 4.0, "field": (208, 208, 208)}
    array = np.digitize(head_phantom(**grid, skull=False).array, [30, 80, 140])
    head = head_phantom(**grid)
    assert label_doubts(head, head.with_array(array)) == (None, [])
    refused, odd = label_doubts(head, head.with_array(change(array)))
    assert refused is None
    assert [told in doubt for doubt in odd] == [True]


def test_both_files_are_named(tmp_path, head, labels):
    write(head, tmp_path / "scan.nii.gz")
    images = {"t1": tmp_path / "scan.nii.gz"}
    write(placed(labels, "LPS for RAS"), tmp_path / "labels.nii.gz")
    case = Case("a", images, target="labels.nii.gz", folder=tmp_path)
    with pytest.raises(InputError, match=r"labels\.nii\.gz.*scan\.nii\.gz"):
        PatchFeed([case], ["t1"], labels="labels")[0]
    write(placed(labels, "cropped, old affine"), tmp_path / "cropped.nii.gz")
    case = Case("b", images, target="cropped.nii.gz", folder=tmp_path)
    with pytest.warns(MedzooWarning, match=r"cropped\.nii\.gz.*may have been cropped"):
        PatchFeed([case], ["t1"], labels="labels")[0]


def test_label_maps_are_read_as_they_were_meant():
    whole = np.arange(8).reshape(2, 2, 2)
    np.testing.assert_array_equal(whole_labels(whole * 0.999999, "x"), whole)
    one_hot = np.eye(8, dtype=np.float32)[whole]
    np.testing.assert_array_equal(whole_labels(one_hot, "x"), whole)
    np.testing.assert_array_equal(whole_labels(whole[..., None], "x"), whole)
    for wrong in (whole + 0.5, -whole, one_hot * 0.7, np.ones((2, 2, 2, 3))):
        with pytest.raises(InputError):
            whole_labels(wrong, "x")
