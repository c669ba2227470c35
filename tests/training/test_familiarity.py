"""Uncertainty far from what a readout was fitted to, from scanners left out."""

import numpy as np
import pytest

from medzoo.training.familiarity import (
    factors_of_scanners,
    familiarity,
    uncertainty_by_others,
)
from medzoo.training.held_out import HeldOut
from medzoo.training.tasks import TASKS

RECIPE = {
    "task": "regression",
    "postprocessing": [{"step": "interval", "arguments": {"coverage": 0.5}}],
}


def held_out(errors, distances):
    targets = np.linspace(20, 80, len(errors))
    outputs = (targets + errors)[:, None]
    return HeldOut(outputs, np.asarray(distances, float), targets)


def test_uncertainty_grows_where_errors_grow_with_the_distance():
    generator = np.random.default_rng(0)
    home = held_out(generator.normal(0, 4, 60), generator.uniform(0.5, 1.0, 60))
    distances = generator.uniform(1.0, 4.0, 200)
    interval = {"coverage": 0.9, "lower": -6.6, "upper": 6.6}
    grows = held_out(generator.normal(0, 4 * distances), distances)
    stays = held_out(generator.normal(0, 4, 200), distances)

    found = [
        familiarity(RECIPE, home, a, interval, ["new"] * 200) for a in (grows, stays)
    ]

    assert 0.5 < found[0]["growth"] < 1.6
    assert found[1]["growth"] < 0.3
    assert found[0]["usual"] == pytest.approx(np.quantile(home.distances, 0.9), 1e-3)


def test_scanners_that_are_off_widen_all_that_are_unknown():
    """Each counts alike, however many its people are and however far it lies."""
    generator = np.random.default_rng(0)
    home = held_out(generator.normal(0, 4, 60), generator.uniform(0.5, 1.0, 60))
    interval = {"coverage": 0.9, "lower": -6.6, "upper": 6.6}
    errors = np.r_[generator.normal(0, 4, 300) + 10, generator.normal(0, 4, 30) - 10]
    distances = np.r_[generator.uniform(20, 30, 300), generator.uniform(2, 3, 30)]
    sources = ["far"] * 300 + ["near"] * 30

    found = familiarity(RECIPE, home, held_out(errors, distances), interval, sources)

    assert found["growth"] < 0.5
    assert 1.5 < found["unknown"] < 3
    assert 1.1 < found["limit"] < 2


def test_a_scanner_has_no_part_in_the_uncertainty_that_it_is_judged_by():
    generator = np.random.default_rng(1)
    sources = ["a"] * 40 + ["b"] * 40
    home = held_out(generator.normal(0, 4, 80), generator.uniform(0.5, 1.0, 80))
    away = held_out(generator.normal(0, 6, 80), generator.uniform(0.8, 2.0, 80))
    worse = HeldOut(away.outputs.copy(), away.distances, away.targets)
    worse.outputs[:40] += 100
    bad_home = HeldOut(home.outputs.copy(), home.distances, home.targets)
    bad_home.outputs[:40] -= 50

    usual = uncertainty_by_others(RECIPE, home, away, sources)
    changed = uncertainty_by_others(RECIPE, bad_home, worse, sources)

    for one, other in zip(usual, changed, strict=True):
        np.testing.assert_array_equal(one[:40], other[:40])
    assert not np.array_equal(usual[0][40:], changed[0][40:])


def test_people_have_no_part_in_the_uncertainty_of_their_scanner(monkeypatch):
    """Errors of a person on another scanner are errors of one who was on this."""
    sources = ["a"] * 4 + ["b"] * 4
    people = np.array([*"pqrs", *"ptuv"])
    home = HeldOut(np.zeros((8, 1)), np.ones(8), np.zeros(8), people)
    judged = []

    def fitted(recipe, known, away, interval, sources):
        judged.append(("".join(known.people), "".join(away.people), "".join(sources)))
        return {"usual": 1.0, "growth": 1.0, "limit": 1.0, "unknown": 1.0}

    monkeypatch.setattr("medzoo.training.familiarity.familiarity", fitted)
    uncertainty_by_others(RECIPE, home, home, sources)

    assert judged == [("tuv", "tuv", "bbb"), ("qrs", "qrs", "aaa")]


def test_a_scanner_with_larger_errors_has_a_factor_of_its_own():
    generator = np.random.default_rng(2)
    errors = np.r_[generator.normal(0, 4, 60), generator.normal(0, 8, 40)]
    home = held_out(errors, np.ones(100))
    interval = {"coverage": 0.9, "lower": -6.6, "upper": 6.6}
    sources = ["a"] * 60 + ["b"] * 40

    found = factors_of_scanners(RECIPE, home, interval, sources, ["b", "a", "a"])

    assert 1.6 < found[0] < 2.4
    assert found[1] == found[2] < 1.2


def test_a_scanner_of_few_people_has_no_factor_of_its_own():
    home = held_out(np.full(5, 30.0), np.ones(5))
    interval = {"coverage": 0.9, "lower": -6.6, "upper": 6.6}
    assert factors_of_scanners(RECIPE, home, interval, ["a"] * 5, ["a"]) == [1.0]
    # Nor one of few people with many scans.
    four = np.arange(40) % 4
    home = HeldOut(np.full((40, 1), 30.0), np.ones(40), np.zeros(40), four)
    assert factors_of_scanners(RECIPE, home, interval, ["a"] * 40, ["a"]) == [1.0]


def test_intervals_of_scanners_left_out_end_where_no_true_value_lies():
    recipe = {
        "task": "regression",
        "unit": "years",
        "postprocessing": [
            {"step": "interval", "arguments": {"coverage": 0.9, "within": [0, 110]}}
        ],
    }
    task = TASKS["regression"](recipe)
    interval = {"coverage": 0.9, "lower": -10.0, "upper": 12.0}
    assert task.cells(40, [45.0], interval, 1.0)[2:] == ["35.0000", "57.0000"]
    assert task.cells(40, [45.0], interval, 20.0)[2:] == ["0.0000", "110.0000"]
