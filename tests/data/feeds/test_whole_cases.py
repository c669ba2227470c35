"""WholeCases: scans on the network's grid, as they are and stripped."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

import medzoo
from medzoo.data.cases.training_views import View
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError


def test_stripped_view_has_nothing_outside_the_regions(study, recipe):
    cases = read_cases(study, recipe["channels"], target="age", columns=["regions"])
    prepared = prepared_cases(cases, recipe)
    whole, stripped = prepared.get(0)["image"], prepared.get(0, 1)["image"]
    assert (stripped > 1).sum() < 0.8 * (whole > 1).sum()
    ways = [prepared.preparation.ways(cases[number]) for number in (0, 3)]
    assert ways == [[0, 1], [0]]


def test_prepared_scans_are_found_again_and_only_for_the_same_recipe(
    tmp_path,
    study,
    recipe,
):
    cases = read_cases(study, recipe["channels"])[:2]
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    (kept,) = tmp_path.glob("*/image.npy")
    again = prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    np.testing.assert_array_equal(np.load(kept), again["image"])
    recipe["preprocessing"]["spatial"][1]["arguments"]["spacing"] = 11.0
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    assert len(list(tmp_path.glob("*/image.npy"))) == 2


def test_map_to_strip_by_must_lie_where_its_scan_does(tmp_path, study, recipe):
    cases = read_cases(study, recipe["channels"], target="age", columns=["regions"])
    place = cases[0].path("regions")
    labels = medzoo.read(place)
    elsewhere = np.array(labels.affine)
    elsewhere[0, 3] += 150.0
    moved = tmp_path / "moved.nii.gz"
    medzoo.write(medzoo.Volume(labels.array, elsewhere), moved)
    case = replace(cases[0], columns={**cases[0].columns, "regions": str(moved)})
    with pytest.raises(InputError, match="must be aligned") as told:
        prepared_cases([case], recipe).get(0, 1)
    assert "moved.nii.gz" in str(told.value)


def test_map_to_strip_by_may_have_a_channel_a_class(tmp_path, study, recipe):
    cases = read_cases(study, recipe["channels"], target="age", columns=["regions"])
    labels = medzoo.read(cases[0].path("regions"))
    some = np.asarray(labels.array) > 0
    one_hot = tmp_path / "one_hot.nii.gz"
    nibabel.save(
        nibabel.Nifti1Image(
            np.stack([~some, some], -1).astype(np.uint8), labels.affine
        ),
        one_hot,
    )
    case = replace(cases[0], columns={**cases[0].columns, "regions": str(one_hot)})
    found, expected = (
        prepared_cases([one], recipe).get(0, 1)["image"] for one in (case, cases[0])
    )
    np.testing.assert_array_equal(found, expected)
