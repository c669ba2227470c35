"""Regression measures against closed forms and against what they claim to cover."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.metrics import regression_metrics, wilson
from medzoo.metrics.intervals import bootstrap, proportion

TARGET = np.array([20.0, 40.0, 60.0, 80.0])


def test_closed_form_values():
    prediction = TARGET + np.array([1.0, -2.0, 3.0, -4.0])
    measured = regression_metrics(TARGET, prediction, unit="years")
    value = {name: entry["value"] for name, entry in measured.items()}
    assert value["mean_absolute_error"] == 2.5
    assert value["median_absolute_error"] == 2.5
    assert value["root_mean_squared_error"] == pytest.approx(np.sqrt(7.5), abs=1e-4)
    assert value["mean_error"] == -0.5
    assert value["correlation"] == pytest.approx(
        np.corrcoef(TARGET, prediction)[0, 1], abs=1e-4
    )
    assert value["r_squared"] == pytest.approx(1 - 30 / 2000, abs=1e-4)
    slope = np.polyfit(TARGET, prediction - TARGET, 1)[0]
    assert value["error_slope_against_target"] == pytest.approx(slope, abs=1e-4)
    assert measured["mean_absolute_error"]["unit"] == "years"
    assert "unit" not in measured["correlation"]


def test_constant_prediction_has_slope_minus_one_and_no_correlation():
    measured = regression_metrics(TARGET, np.full(4, 50.0))
    assert measured["error_slope_against_target"]["value"] == -1.0
    assert measured["correlation"] == {"value": None, "ci95": None, "n": 4}


def test_interval_coverage_counts_the_truths_held():
    low, high = TARGET - 5, TARGET + np.array([5.0, 5.0, -1.0, 5.0])
    measured = regression_metrics(TARGET, TARGET, low, high, unit="years")
    assert measured["interval_coverage"]["value"] == 0.75
    assert measured["interval_width"]["value"] == 8.5


def test_bootstrap_interval_holds_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        low, high = bootstrap(lambda x: x.mean(-1), generator.normal(size=60))["ci95"]
        held += low <= 0 <= high
    assert 0.89 <= held / 200 <= 0.99


def test_same_cases_give_the_same_interval():
    values = np.random.default_rng(0).normal(size=30)
    one, other = (bootstrap(lambda x: x.mean(-1), values) for _ in range(2))
    assert one == other


def mean(values):
    return values.mean(-1)


def test_people_are_drawn_with_all_their_cases():
    people = np.repeat(np.arange(10), 4)
    values = np.random.default_rng(0).normal(size=10)[people]
    found = bootstrap(mean, values, people=people)
    # Four equal scans tell as much as one.
    assert found["ci95"] == bootstrap(mean, values[::4])["ci95"]
    assert found["n"] == 40
    uneven = np.r_[people, [0, 0]]
    found = bootstrap(mean, np.r_[values, [5.0, 5.0]], people=uneven)
    assert found["ci95"][1] - found["ci95"][0] > np.ptp(
        bootstrap(mean, np.r_[values, [5.0, 5.0]])["ci95"]
    )
    assert bootstrap(mean, values[:4], people=people[:4])["ci95"] is None
    with pytest.raises(InputError, match="40 people for 39 cases"):
        bootstrap(mean, values[1:], people=people)


def test_people_with_one_case_each_change_nothing():
    values = np.random.default_rng(0).normal(size=(2, 30))
    names = [f"p{number}" for number in range(30)][::-1]
    low, high = values[1] - 1, values[1] + 1
    assert regression_metrics(*values, low, high) == regression_metrics(
        *values, low, high, people=names
    )


def test_proportion_of_people_is_no_surer_than_of_so_many_cases():
    hits = np.arange(20) < 15
    assert proportion(hits) == proportion(hits, people=range(20)) == wilson(15, 20)
    people = np.arange(200) // 10
    found = proportion(np.repeat(hits, 10), people=people)
    assert found == {**wilson(15, 20), "n": 200}
    assert proportion([True] * 6, people=[0, 0, 0, 1, 1, 1])["ci95"] == [
        wilson(2, 2)["ci95"][0],
        1.0,
    ]


def test_wilson_matches_published_values():
    # Newcombe (1998), table I: 81 of 263, and 0 of 20.
    assert wilson(81, 263)["ci95"] == [
        pytest.approx(0.2553, abs=1e-4),
        pytest.approx(0.3662, abs=1e-4),
    ]
    assert wilson(0, 20)["ci95"] == [0.0, pytest.approx(0.1611, abs=1e-4)]


@pytest.mark.parametrize("prediction", [[], [1.0, 2.0]])
def test_shapes_must_fit(prediction):
    with pytest.raises(InputError, match="Received"):
        regression_metrics(prediction[:1] if prediction else [], prediction)


def test_few_cases_claim_nothing():
    # A resample of one value three times has no variance, however its mean rounds.
    target = np.array([40.02, 48.11, 79.62])
    for seed in range(20):
        prediction = target + np.random.default_rng(seed).normal(0, 5, 3)
        found = regression_metrics(target, prediction)
        for name in ("r_squared", "correlation", "error_slope_against_target"):
            ends = found[name]["ci95"]
            assert ends is None or np.abs(ends).max() < 1e6
    alone = regression_metrics(target[:1], target[:1] + 6)["mean_absolute_error"]
    assert alone == {"value": 6.0, "ci95": None, "n": 1}
