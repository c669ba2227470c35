"""Thirds of the cases by what was to be predicted."""

import numpy as np

from medzoo.evaluation.regression import RegressionEvaluation
from medzoo.evaluation.truth import Truth


def thirds(target):
    target = np.asarray(target, float)
    task = RegressionEvaluation({"unit": "ml", "postprocessing": []})
    truth = Truth(target, target, target, target, [0] * len(target), [{}] * len(target))
    return task.target_groups(truth)


def test_each_case_is_in_one_third_whatever_the_unit():
    for target in (np.linspace(0.55, 0.95, 60), np.linspace(2.6, 4.4, 60)):
        groups = thirds(target)
        assert len(groups) == 3
        assert (sum(mask.astype(int) for mask in groups.values()) == 1).all()
    assert next(iter(thirds(np.linspace(20, 80, 61)))) == "20 to 40 ml"
    # Two thirds of the cases have one value.
    assert len(thirds([1.0] * 50 + [2.0] * 10)) == 3
