"""Uncertainty away from the scanners of training."""

import numpy as np
import pytest

from medzoo.errors import RecipeError
from medzoo.inference.familiarity import uncertainty_factor

STEP = {"usual": 2.0, "growth": 0.5, "limit": 4.0, "coarsest_mm": 2.0}


def test_the_nearest_contrast_decides():
    assert uncertainty_factor(np.array([9.0, 1.0]), STEP) == 1
    assert uncertainty_factor(np.array([9.0, 8.0]), STEP) == 2


def test_a_scanner_has_a_factor_of_its_own():
    step = {**STEP, "scanners": [1.0, 1.5]}
    assert uncertainty_factor(np.array([1.0, 2.0]), step) == 1
    assert uncertainty_factor(np.array([9.0, 1.0]), step) == 1.5


def test_beyond_what_is_usual_the_least_certain_scanner_counts():
    step = {**STEP, "scanners": [1.0, 1.5]}
    assert uncertainty_factor(np.array([9.0, 8.0]), step) == 3
    assert uncertainty_factor(np.array([8.0, 9.0]), step) == 3


def test_factors_for_other_contrasts_than_the_network_keeps_are_refused():
    step = {**STEP, "scanners": [1.0, 1.5]}
    with pytest.raises(RecipeError, match=r"network keeps, 3\. Received: scanners="):
        uncertainty_factor(np.array([1.0, 2.0, 3.0]), step)


def test_a_scanner_beyond_the_limit_is_less_certain_at_once():
    step = {**STEP, "unknown": 1.5, "scanners": [1.0]}
    assert uncertainty_factor(np.array([2.0]), step) == 1
    assert uncertainty_factor(np.array([4.0]), step) == pytest.approx(2**0.5)
    assert uncertainty_factor(np.array([8.0]), step) == 3
