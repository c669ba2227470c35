"""A label map in a report: volumes, and centiles where there is an age."""

import numpy as np

from medzoo.inference.centiles import Person, reference
from medzoo.inference.prediction import Prediction
from medzoo.io import write
from medzoo.reporting.markup import join
from medzoo.reporting.segmentation import SegmentationReport
from medzoo.reporting.stored_predictions import read_earlier
from medzoo.volume import Volume


def test_charts_stand_in_the_section_of_a_segmentation():
    population = reference("muse")
    brain = population.curves("left hippocampus", "female", [40])[2, 0]
    recipe = {
        "class_names": ["background", "hippocampus"],
        "postprocessing": [
            {
                "step": "centiles",
                "arguments": {
                    "reference": "muse",
                    "corrections": {"left hippocampus": 1.0},
                },
            }
        ],
    }
    found = Prediction(
        "segmentation",
        "m",
        volumes_ml={"right hippocampus": 3.0, "left hippocampus": brain / 1000},
        class_names=["background", "right hippocampus", "left hippocampus"],
        codes=[0, 47, 48],
        centiles={"left hippocampus": 50.0},
        person=Person(40, "female"),
    )
    report = SegmentationReport(recipe)
    text = str(join(report.section(found)))
    assert "Left hippocampus, ml" in text
    assert "healthy women" in text
    assert text.count("centile 50") >= 2
    without = report.section(Prediction(**{**vars(found), "centiles": None}))
    without = str(join(without))
    assert "healthy women" not in without


def test_a_result_of_an_earlier_run_keeps_its_centiles(tmp_path):
    recipe = {"task": "segmentation", "name": "m", "version": "1", "postprocessing": []}
    recipe["class_names"] = ["background", "brain"]
    path = write(Volume(np.ones((4, 4, 4), np.uint8), np.eye(4)), tmp_path / "a.nii.gz")
    record = {"output": str(path), "volumes_ml": {"brain": 1.0}}
    record["centiles"] = {"brain": 50.0}
    task, person = SegmentationReport(recipe), Person(40, "female")
    assert read_earlier(record, task, person).centiles == {"brain": 50.0}
    assert read_earlier(record, task, person).person == person
    # Of nobody known there is no curve to draw.
    assert read_earlier(record, task).centiles is None
