"""Recalibration: the simplest line that people left out bear out."""

import numpy as np
import pytest

from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.training.recalibration import (
    best_kind,
    fitted,
    recalibrate,
    values_left_out,
)

PEOPLE = range(20)
VALUES = np.linspace(25.0, 70.0, 20)


def noise(size):
    """As much up as down along the values."""
    return size * np.tile([1.0, -1.0, -1.0, 1.0], 5)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (VALUES + noise(3.0), "unchanged"),
        (VALUES - 11 + noise(3.0), "shift"),
        (0.5 * VALUES + 10 + noise(1.0), "line"),
    ],
)
def test_the_kind_with_the_least_error_is_chosen(targets, expected):
    assert best_kind(VALUES, targets, PEOPLE) == expected
    left_out = values_left_out(VALUES, targets, PEOPLE)
    assert np.abs(left_out - targets).mean() < 3.5


def test_a_person_is_predicted_by_the_others():
    targets = VALUES - 11
    targets[3] += 190
    left_out = values_left_out(VALUES, targets, PEOPLE)
    others = np.delete(np.arange(20), 3)
    shift = (targets - VALUES)[others].mean()
    assert left_out[3] == pytest.approx(VALUES[3] + shift)


def test_two_scans_of_one_person_are_left_out_together():
    people = np.repeat(np.arange(10), 2)
    targets = VALUES + np.repeat(np.arange(10), 2) * 100.0
    left_out = values_left_out(VALUES, targets, people)
    own = people == 9
    line = fitted("line", VALUES[~own], targets[~own])
    np.testing.assert_allclose(left_out[own], line[0] * VALUES[own] + line[1])


def test_the_kind_too_is_chosen_without_the_person():
    """All others are shifted; with the last one a line would be best."""
    targets = VALUES - 11
    targets[-1] += 100
    assert best_kind(VALUES[:-1], targets[:-1], PEOPLE[:-1]) == "shift"
    left_out = values_left_out(VALUES, targets, PEOPLE)
    assert left_out[-1] == pytest.approx(VALUES[-1] - 11)


def test_lines():
    assert fitted("unchanged", VALUES, VALUES + 5) == (1.0, 0.0)
    assert fitted("shift", VALUES, VALUES + 5) == (1.0, pytest.approx(5.0))
    assert fitted("line", VALUES, 2 * VALUES + 5) == pytest.approx((2.0, 5.0))
    # Values that are all alike have no slope.
    assert fitted("line", np.full(20, 40.0), VALUES) == pytest.approx((1.0, 7.5))


def test_many_scans_of_few_people_are_refused_before_any_is_read(tmp_path):
    recipe = {
        "name": "tiny",
        "task": "regression",
        "architecture": {"class": "ResNet3D", "arguments": {}},
        "channels": [{"name": "t1", "required": True}],
        "target": {"column": "age"},
        "postprocessing": [{"step": "interval", "arguments": {"coverage": 0.9}}],
    }

    def cases(people, sessions):
        return [
            Case(f"{p}-{s}", {"t1": tmp_path / "no.nii"}, target="50", subject=f"p{p}")
            for p in range(people)
            for s in range(sessions)
        ]

    for people, sessions in ((4, 8), (19, 1)):
        scans = people * sessions
        told = rf"{people} people with {scans} cases.*{people - 1} without part"
        with pytest.raises(InputError, match=told):
            recalibrate(None, recipe, cases(people, sessions), tmp_path / "o.csv")
