"""Regions by label map, by the standard space, and their names."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.explanation.explain import task_and_folder
from medzoo.explanation.regions import OUTSIDE, grouped_names, regions_of
from medzoo.inference.predict import task_of
from medzoo.spatial.doubt import REGIONS, kind_of
from medzoo.spatial.standard_space import standard_space
from medzoo.volume import Volume
from tests.explanation.conftest import two_halves


@pytest.fixture
def task(age_model):
    return task_and_folder(age_model)[0]


@pytest.fixture
def undo(task, scan):
    return task.preprocessor.place(scan)[1]


def test_sides_and_gyri_are_put_together():
    names = grouped_names()

    assert names[51] == names[52] == "lateral ventricle"
    assert names[120] == names[143] == "frontal lateral cortex"
    assert names[35] == "brainstem"
    assert names[95] == "corpus callosum"
    assert 30 < len(set(names.values())) < 60


def test_every_region_of_the_standard_space_has_a_name():
    codes = set(np.unique(standard_space("mni").regions.array).tolist()) - {0}

    assert codes <= grouped_names().keys()


def test_labels_of_a_map_are_brought_to_the_networks_grid(task, scan, undo, tmp_path):
    from medzoo.io import write

    labels = two_halves(scan)
    path = write(labels, tmp_path / "labels.nii.gz")

    found = regions_of(path, scan, undo, task)

    assert found.names == (OUTSIDE, "label 1", "label 2")
    assert found.labels.shape == (16, 16, 16)
    # In RAS: of a scan in LPS the first half is on the right.
    middle = found.labels[:, 8, 8]
    assert middle[5] == 2
    assert middle[10] == 1
    same = regions_of(labels, scan, undo, task).labels
    np.testing.assert_array_equal(found.labels, same)


def test_a_map_of_fractions_is_refused(task, scan, undo):
    with pytest.raises(InputError, match="of integers"):
        regions_of(scan, scan, undo, task)


def test_a_deformation_that_folds_leaves_its_affine_part(task, scan, undo, monkeypatch):
    from medzoo.explanation import regions
    from medzoo.spatial import Grid
    from medzoo.spatial.transform import Transform

    space = standard_space("mni")
    # Every point goes to one plane, and back from there nothing leads.
    folding = np.zeros((*space.head.shape, 3), np.float32)
    folding[..., 0] = (
        -2
        * Grid.of(space.head).affine[0, 0]
        * np.arange(space.head.shape[0]).reshape(-1, 1, 1)
    )
    field = Volume(folding, space.head.affine)
    way = Transform([field, np.eye(4)], warnings=("doubtful",))
    monkeypatch.setattr(regions, "way_into", lambda *_: way)

    found = regions_of("mni:deformable", scan, undo, task)

    assert "doubtful" in found.warnings
    (folds,) = [text for text in found.warnings if "folds" in text]
    assert kind_of(folds) == REGIONS
    monkeypatch.setattr(regions, "way_into", lambda *_: Transform([np.eye(4)]))
    affine = regions_of("mni:affine", scan, undo, task)
    np.testing.assert_array_equal(found.labels, affine.labels)
    assert affine.warnings == ()


@pytest.mark.extended
def test_regions_of_the_standard_space_lie_where_the_head_is(task):
    recipe = task.recipe
    finer = [
        {"step": "resample", "arguments": {"spacing": 4.0}},
        {"step": "crop_pad", "arguments": {"size": [48, 56, 48]}},
    ]
    recipe["preprocessing"] = {"spatial": finer, "layers": []}
    head, own = standard_space("mni").head, task_of(recipe, None)
    # Turned and moved, so that a registration has something to find.
    turn = np.eye(4)
    turn[:2, :2] = [[0.985, -0.174], [0.174, 0.985]]
    turn[:3, 3] = 12, -8, 5
    head = head.with_affine(turn @ head.affine)
    _, undo = own.preprocessor.place(head)

    found = regions_of("mni:affine", head, undo, own)

    regions = standard_space("mni").regions
    placed = undo.place_labels(regions.with_affine(turn @ regions.affine)).array
    codes = [c for c, n in grouped_names().items() if n == "cerebellar grey matter"]
    truth = np.isin(placed, codes)
    drawn = found.labels == found.names.index("cerebellar grey matter")
    assert 2 * (truth & drawn).sum() / (truth.sum() + drawn.sum()) > 0.8
