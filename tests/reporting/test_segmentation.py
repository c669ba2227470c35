"""A label map in a report: volumes, and centiles where there is an age."""

from medzoo.inference.centiles import Person, reference
from medzoo.inference.prediction import Prediction
from medzoo.reporting.markup import join
from medzoo.reporting.segmentation import SegmentationReport


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
