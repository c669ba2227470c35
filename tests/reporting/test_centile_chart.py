"""Centile charts: the person's point lies where its volume and age are."""

import re

import numpy as np
import pytest

from medzoo.inference.centiles import Person, reference
from medzoo.inference.prediction import Prediction
from medzoo.reporting.charts import centile_chart
from medzoo.reporting.results import result_section

AGES = np.linspace(20, 90, 8)
CURVES = np.outer([1.0, 2.0, 3.0, 4.0, 5.0], np.ones(8))


def numbers(text, name):
    return [float(n) for n in re.findall(rf'{name}="(-?[\d.]+)"', text)]


def test_the_point_moves_with_age_and_volume():
    def point(age, volume):
        text = str(centile_chart("Brain", AGES, CURVES, age, volume, "centile 50"))
        return numbers(text, "cx")[0], numbers(text, "cy")[0]

    assert point(60, 3)[0] > point(30, 3)[0]
    assert point(60, 4)[1] < point(60, 2)[1]
    chart = str(centile_chart("Brain", AGES, CURVES, 55, 3.0, "centile 50"))
    middle = re.search(r'<polyline[^>]*points="([^"]+)"', chart).group(1)
    heights = {float(pair.split(",")[1]) for pair in middle.split()}
    assert list(heights) == pytest.approx([point(55, 3)[1]])
    assert chart.count("<polygon") == 2
    assert "centile 50" in chart


def test_a_title_is_text_and_no_markup():
    chart = str(centile_chart("<b>", AGES, CURVES, 55, 3.0, "<script>"))
    assert "<b>" not in chart
    assert "<script>" not in chart


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
    text = str(result_section(found, recipe))
    assert "Left hippocampus, ml" in text
    assert "healthy women" in text
    assert text.count("centile 50") >= 2
    without = str(
        result_section(Prediction(**{**vars(found), "centiles": None}), recipe)
    )
    assert "healthy women" not in without
