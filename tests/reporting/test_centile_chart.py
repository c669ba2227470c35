"""Centile charts: the person's point lies where its volume and age are."""

import re

import numpy as np
import pytest

from medzoo.reporting.charts import centile_chart

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
