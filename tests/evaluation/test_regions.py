"""Regions: Dice of every code, and means over classes and groups."""

import numpy as np
import pytest

import medzoo
from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.evaluation.regions import dice_of_codes, measure_regions
from medzoo.evaluation.segmentation import measure_segmentation
from medzoo.inference.prediction import Prediction

RECIPE = {
    "class_names": ["background", "stem", "hippocampus", "cortex"],
    "postprocessing": [
        {
            "step": "sides",
            "arguments": {
                "codes": [[0], [35], [47, 48], [100, 101]],
                "white_matter": [],
                "cortex": [3],
            },
        },
        {"step": "groups", "arguments": {"deep": [2], "absent": [1]}},
    ],
    "training": {},
}


def volume(array):
    return medzoo.Volume(np.asarray(array, np.int32), np.eye(4))


def maps():
    """A true map of three codes and an unknown one, and one that errs on one side."""
    true = np.zeros((8, 8, 8), np.int32)
    true[:4, :4], true[4:, :4], true[:4, 4:], true[4:, 4:] = 47, 48, 100, 44
    found = true.copy()
    found[:2, :4] = 48
    found[4:, 4:] = 101
    return true, found


def test_dice_of_each_code_that_the_true_map_has():
    true, found = maps()
    dice = dice_of_codes(volume(found), true, RECIPE)

    assert dice[:4].tolist() == pytest.approx([np.nan, 2 / 3, 0.8, 1.0], nan_ok=True)
    assert np.isnan(dice[4])


def test_means_over_codes_groups_and_sides(tmp_path):
    true, found = maps()
    medzoo.write(volume(true), tmp_path / "true.nii.gz")
    image = {"t1": tmp_path / "true.nii.gz"}
    cases = [Case("a", image, target="true.nii.gz", folder=tmp_path)]

    def predict(case):
        return Prediction("segmentation", "m", labels=volume(found))

    measured = measure_regions(predict, {**RECIPE, "training": {}}, cases)

    metrics = {name: entry["value"] for name, entry in measured["metrics"].items()}
    assert metrics == {
        "mean_dice": pytest.approx((2 / 3 + 0.8 + 1) / 3, abs=1e-4),
        "mean_dice_deep": pytest.approx((2 / 3 + 0.8) / 2, abs=1e-4),
        "dice_hippocampus": pytest.approx((2 / 3 + 0.8) / 2, abs=1e-4),
        "dice_cortex": pytest.approx(1.0),
    }
    same = measure_segmentation(predict, RECIPE, cases, tables=tmp_path)
    assert same["metrics"] == measured["metrics"]


def test_cases_that_fail_are_named_and_none_is_refused(tmp_path):
    true, _ = maps()
    medzoo.write(volume(true), tmp_path / "true.nii.gz")
    image = {"t1": tmp_path / "true.nii.gz"}
    cases = [
        Case(name, image, target="true.nii.gz", folder=tmp_path) for name in ("a", "b")
    ]

    def predict(case):
        if case.case_id == "a":
            raise CaseError("no head")
        return Prediction("segmentation", "m", labels=volume(true))

    measured = measure_regions(predict, RECIPE, cases)
    assert measured["failed"] == {"a": "no head"}
    assert measured["metrics"]["mean_dice"]["value"] == 1.0
    with pytest.raises(InputError, match="1 failed"):
        measure_regions(predict, RECIPE, cases[:1])


@pytest.mark.parametrize("recipe", [RECIPE, {**RECIPE, "postprocessing": []}])
def test_a_label_map_elsewhere_is_refused_before_any_prediction(tmp_path, recipe):
    true, _ = maps()
    inside = np.pad(true[2:6, 2:6, 2:6] // 47, 2)
    medzoo.write(volume(100 * (inside > 0)), tmp_path / "t1.nii.gz")
    away = np.diag([1.0, 1, 1, 1])
    away[:3, 3] = 60
    medzoo.write(volume(inside), tmp_path / "here.nii.gz")
    elsewhere = medzoo.Volume(inside.astype(np.int32), away)
    medzoo.write(elsewhere, tmp_path / "elsewhere.nii.gz")
    image = {"t1": tmp_path / "t1.nii.gz"}
    cases = [
        Case(name, image, target=f"{name}.nii.gz", folder=tmp_path)
        for name in ("here", "elsewhere")
    ]

    def predict(case):
        raise AssertionError("a case was predicted")

    with pytest.raises(InputError, match=r"aligned.*elsewhere\.nii\.gz"):
        measure_segmentation(predict, recipe, cases, tables=tmp_path)
