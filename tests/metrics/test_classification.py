"""Classification measures against closed forms."""

import numpy as np
import pytest

from medzoo.metrics import classification_metrics
from medzoo.metrics.classification import area_under_roc, balanced_accuracy


def test_closed_form_values():
    target = [0, 0, 0, 1]
    second = np.array([0.1, 0.2, 0.8, 0.7])
    measured = classification_metrics(target, np.stack([1 - second, second], 1))
    assert measured["accuracy"]["value"] == 0.75
    assert measured["balanced_accuracy"]["value"] == pytest.approx(
        (2 / 3 + 1) / 2, abs=1e-4
    )
    assert measured["area_under_roc"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    brier = 2 * np.mean([0.01, 0.04, 0.64, 0.09])
    assert measured["brier_score"]["value"] == pytest.approx(brier, abs=1e-4)


def test_ties_count_half():
    assert area_under_roc(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5


def test_balanced_accuracy_ignores_absent_classes():
    assert balanced_accuracy(np.array([2, 2]), np.array([2, 0])) == 0.5


def test_three_classes_have_no_single_roc():
    measured = classification_metrics([0, 1, 2], np.eye(3))
    assert "area_under_roc" not in measured
    assert measured["accuracy"]["ci95"][1] == 1.0


def test_area_under_roc_counts_pairs_also_over_rows_with_ties():
    generator = np.random.default_rng(3)
    target = generator.integers(0, 2, (50, 12)).astype(float)
    score = generator.integers(0, 5, (50, 12)).astype(float)
    for found, t, s in zip(area_under_roc(target, score), target, score, strict=True):
        gap = s[t == 1][:, None] - s[t == 0]
        wins = (gap > 0) + 0.5 * (gap == 0)
        assert found == pytest.approx(wins.mean())


def test_people_are_drawn_with_all_their_cases():
    generator = np.random.default_rng(0)
    target, second = generator.integers(0, 2, 20), generator.uniform(0, 1, 20)
    shares = np.stack([1 - second, second], 1)
    once = classification_metrics(target, shares, people=range(20))
    assert once == classification_metrics(target, shares)
    thrice = classification_metrics(
        np.repeat(target, 3), np.repeat(shares, 3, 0), people=np.repeat(range(20), 3)
    )
    for name, entry in thrice.items():
        assert entry == {**once[name], "n": 60}, name
