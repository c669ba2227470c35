"""How far two predictions of one task lie apart: of two scans, and of two engines."""

import numpy as np
import pytest

from medzoo.evaluation.tasks import TASKS
from medzoo.inference.prediction import Prediction
from medzoo.volume import Volume


def volume(values):
    return Volume(np.reshape(values, (2, 2, 1)), np.eye(4))


@pytest.mark.parametrize(
    ("task", "one", "other", "wanted"),
    [
        (
            "regression",
            {"value": 40.5, "unit": "years"},
            {"value": 40.0, "unit": "years"},
            {"largest_difference": 0.5, "mean_difference": 0.5, "unit": "years"},
        ),
        (
            "classification",
            {"label": "a", "probabilities": {"a": 0.75, "b": 0.25}},
            {"label": "a", "probabilities": {"a": 1.0, "b": 0.0}},
            {
                "largest_difference": 0.25,
                "mean_difference": 0.25,
                "unit": "probability",
            },
        ),
        (
            "super_resolution",
            {"image": volume([0.0, 1.0, 2.0, 4.0])},
            {"image": volume([0.0, 0.0, 2.0, 4.0])},
            {
                "largest_difference": 0.25,
                "mean_difference": 0.0625,
                "unit": "share of the range",
            },
        ),
        # Of three voxels that are no background in either, one differs.
        (
            "segmentation",
            {"labels": volume([0, 1, 2, 2])},
            {"labels": volume([0, 1, 2, 0])},
            {"other_labels": 1 / 3},
        ),
    ],
)
def test_engine_differences_by_hand(task, one, other, wanted):
    common = {"task": task, "model": "m", "warnings": ()}
    answers = [Prediction(**answer, **common) for answer in (one, other)]
    assert TASKS[task].engine_difference(*answers) == pytest.approx(wanted)


def test_differences_of_each_task():
    a = Prediction("classification", "m", label="x", probabilities={"x": 0.9, "y": 0.1})
    b = Prediction("classification", "m", label="y", probabilities={"x": 0.4, "y": 0.6})
    assert TASKS[a.task].differences(a, b)["probability"][0] == pytest.approx(0.5)
    assert TASKS[a.task].differences(a, b)["label_changes"][0] == 1
    a = Prediction("segmentation", "m", volumes_ml={"big one": 10.0, "dust": 0.1})
    b = Prediction("segmentation", "m", volumes_ml={"big one": 12.0, "dust": 0.3})
    assert TASKS[a.task].differences(a, b) == {
        "volume_big_one": (pytest.approx(400 / 22), "%")
    }
    a = Prediction("reconstruction", "m", embedding=np.array([3.0, 4.0]))
    b = Prediction("reconstruction", "m", embedding=np.array([3.0, 3.0]))
    assert TASKS[a.task].differences(a, b)["embedding"] == (pytest.approx(20.0), "%")
    a, b = (
        Prediction("super_resolution", "m", image=volume([k, k, 2 * k, k]))
        for k in (100, 110)
    )
    assert 0 < TASKS[a.task].differences(a, b)["image"][0] < 10
