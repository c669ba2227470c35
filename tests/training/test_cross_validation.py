"""Who is left out with a scanner, by networks and in what is known of contrasts."""

from types import SimpleNamespace

import numpy as np

from medzoo.data.cases.case import Case
from medzoo.training import cross_validation
from medzoo.training.contrasts import TrainingContrasts
from medzoo.training.held_out import HeldOut, of_others

SOURCES = ["a", "b", "a", "b", "c"]
# The first person was scanned on both a and b.
PEOPLE = ["p", "p", "q", "r", "s"]
CASES = [Case(f"c{i}", {}, subject=person) for i, person in enumerate(PEOPLE)]
WITHOUT = {"a": [3, 4], "b": [2, 4], "c": [0, 1, 2, 3]}


def test_cases_of_people_who_are_not_in_a_group():
    for group, others in WITHOUT.items():
        assert of_others(SOURCES, PEOPLE, group) == others


def test_no_network_learns_from_people_of_the_scanner_that_it_is_tested_on(
    monkeypatch, tmp_path
):
    trained_on = {}

    class Data:
        def __init__(self, prepared, targets, *, indices, **options):
            self.indices = indices
            self.preprocessor = SimpleNamespace(normalize=lambda x: x)

    def train_fold(recipe, data, run, number, name, log, given):
        trained_on[name] = data.indices

    monkeypatch.setattr(cross_validation, "CaseDataset", Data)
    monkeypatch.setattr(cross_validation, "Variants", lambda *given: None)
    monkeypatch.setattr(cross_validation, "_train_fold", train_fold)
    monkeypatch.setattr(
        cross_validation, "output_of_network", lambda network, x, recipe: x[0]
    )
    prepared = SimpleNamespace(
        cases=CASES, get=lambda index: {"image": np.full(1, index, float)}
    )

    _, outputs = cross_validation.leave_out(
        {"name": "tiny", "task": "regression", "training": {}},
        prepared,
        [1.0] * 5,
        SOURCES,
        tmp_path,
    )

    assert trained_on == {f"without {name}": own for name, own in WITHOUT.items()}
    np.testing.assert_array_equal(outputs[:, 0], np.arange(5))


def test_the_distance_of_a_scanner_is_from_scans_of_other_people(monkeypatch):
    fitted = []
    contrasts = object.__new__(TrainingContrasts)
    contrasts._people = PEOPLE
    # The first case is there in two ways of stripping.
    contrasts._cases = np.array([0, 0, 1, 2, 3, 4])
    contrasts._plain = np.zeros((5, 1))

    def fit(rows):
        fitted.append(sorted(set(contrasts._cases[rows])))
        return SimpleNamespace(distance=lambda features: np.ones(len(features)))

    monkeypatch.setattr(contrasts, "_fitted", fit)
    assert contrasts.held_out_distances(SOURCES).tolist() == [1] * 5
    assert fitted == list(WITHOUT.values())


def test_some_of_what_is_held_out_keeps_its_people():
    held_out = HeldOut(np.zeros((5, 1)), np.zeros(5), np.zeros(5), np.array(PEOPLE))
    assert held_out.num_people() == 4
    assert held_out.only(np.array([1, 1, 0, 0, 1], bool)).num_people() == 2
    assert HeldOut(np.zeros((5, 1)), np.zeros(5), np.zeros(5)).num_people() == 5
