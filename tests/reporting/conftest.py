"""Recipes, cases and a tiny trained model for reports."""

import json
from typing import NamedTuple

import numpy as np
import pytest

from medzoo.inference.prediction import Prediction
from medzoo.preprocess import Preprocessor
from medzoo.reporting.sheet import ReportSheet
from medzoo.volume import Volume
from tests.batch.small_models import EXAMPLE, SPATIAL, make_age_model
from tests.reporting.page import Page

CLASSES = ["background", "grey & <b>bold</b>", 'white "matter"']
TASKS = ("regression", "classification", "segmentation", "reconstruction")
TASKS += ("super_resolution",)


@pytest.fixture
def recipe_of():
    """A function that makes the recipe of a task, a dict."""

    def make(task):
        recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
        recipe["preprocessing"]["spatial"] = SPATIAL
        recipe["task"] = task
        if task != "regression":
            del recipe["unit"]
        if task == "classification":
            recipe["class_names"] = ["female", "male"]
        if task == "segmentation":
            recipe["class_names"] = list(CLASSES)
        return recipe

    return make


class Case(NamedTuple):
    volume: Volume
    placed: Volume


@pytest.fixture
def case_of(head_phantom):
    """A function that gives a prepared case and a prediction of a task on it."""

    def make(recipe, volume=None, warnings=()):
        volume = head_phantom(5.0, "LPS") if volume is None else volume
        preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        found = answer(recipe["task"], volume)
        common = {"task": recipe["task"], "model": "tiny@1.2", "warnings": warnings}
        placed, _ = preprocessor.place(preprocessor.gather(volume))
        return Case(volume, placed), Prediction(**common, **found)

    return make


def answer(task, volume):
    """What a perfect model would say of a phantom, as fields of a Prediction."""
    if task == "regression":
        return {"value": 43.21, "unit": "years", "interval": (35.0, 52.5)}
    if task == "classification":
        return {"label": "male", "probabilities": {"female": 0.25, "male": 0.75}}
    if task == "segmentation":
        labels = np.digitize(volume.array, (80, 140)).astype(np.uint8)
        millilitres = dict(zip(CLASSES[1:], (700.0, 350.0), strict=True))
        content = {"volumes_ml": millilitres, "class_names": list(CLASSES)}
        return {"labels": volume.with_array(labels), **content}
    if task == "reconstruction":
        embedding = np.arange(16, dtype=np.float32)
        return {"image": volume.with_array(volume.array / 2), "embedding": embedding}
    fine = np.repeat(np.repeat(np.repeat(volume.array, 2, 0), 2, 1), 2, 2)
    affine = volume.affine @ np.diag([0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] -= volume.affine[:3, :3] @ np.full(3, 0.25)
    return {"image": volume.with_array(fine).with_affine(affine)}


@pytest.fixture
def page_of(tmp_path, recipe_of, case_of):
    """A function that makes the report of one case of a task, and reads it."""

    def make(task, case_id="phantom", **options):
        recipe = recipe_of(task)
        sheet = ReportSheet(tmp_path / "report.html", recipe)
        case, prediction = case_of(recipe, **options)
        sheet.predicted(case_id, {"t1": case.volume}, *case, prediction)
        return Page(sheet.write().read_text(encoding="utf-8"))

    return make


@pytest.fixture(scope="module")
def tiny_age(tmp_path_factory):
    """A model folder with fixed weights and a cross-validation of 40 cases."""
    folder = make_age_model(tmp_path_factory.mktemp("zoo"))
    lines = ["case_id,fold,target,prediction,low,high"]
    lines += [f"secret{n},{n % 5},{20 + n},30,20,40" for n in range(40)]
    (folder / "out_of_fold.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
