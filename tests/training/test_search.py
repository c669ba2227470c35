"""A search tries settings on cases that no test has, and goes on after a kill."""

import csv
import json
import sys

import numpy as np
import pytest

from medzoo.data.cases.splits import stratified_folds
from medzoo.data.cases.targets import target_value
from medzoo.data.feeds.labelled_cases import usable_cases
from medzoo.errors import InputError
from medzoo.training.search import search
from medzoo.training.search_space import (
    check_space,
    ends_of,
    values_of,
    with_values,
)
from medzoo.training.search_trials import ImageTrials, NumberTrials
from medzoo.zoo.recipe.schema import read_recipe
from tests.training.conftest import single_network, without_augmentation
from tests.training.tissue import tissue_recipe

RATE = "training.learning_rate"
SPACE = {
    RATE: {"low": 1e-3, "high": 1e-1, "log": True},
    "training.epochs": {"low": 1, "high": 2},
    "architecture.arguments.filters": {"choices": [[2, 3], [3, 4]]},
}


class KilledError(Exception):
    """Stands for a signal that no process survives."""


@pytest.fixture
def single(make_recipe):
    """The recipe of one small network."""
    return without_augmentation(single_network(make_recipe(), dropout_rate=0.0))


def rows_of(folder):
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("eagerly")
def test_a_killed_search_goes_on_and_its_best_recipe_gives_its_score(
    single, study, tmp_path
):
    pytest.importorskip("optuna")
    lines = []

    def killed(line):
        lines.append(str(line))
        # In the second trial, whose first epoch has a checkpoint.
        if line.startswith("trial 2 of 3, epoch 1"):
            raise KilledError

    options = {"space": SPACE, "trials": 3}
    with pytest.raises(KilledError):
        search(single, study, tmp_path, **options, log=killed)
    assert len(rows_of(tmp_path)) == 1
    (tried,) = [line for line in lines if line.startswith("trial 2 of 3: training")]
    best = search(single, study, tmp_path, **options, log=lines.append)
    # What was tried when it was killed is tried again, and nothing twice.
    assert [line for line in lines if line.startswith("trial 2 of 3: ")][1] == tried
    rows = rows_of(tmp_path)
    assert len({row[RATE] for row in rows}) == len(rows) == 3

    scores = [float(row["score"]) for row in rows]
    row = rows[int(np.argmin(scores))]
    found = read_recipe(best)
    assert found.training["learning_rate"] == json.loads(row[RATE])
    assert found.architecture["arguments"]["filters"] in ([2, 3], [3, 4])
    assert found.weights is None
    # Done already: nothing is trained again.
    before = len(lines)
    search(single, study, tmp_path, **options, log=lines.append)
    assert not any(", epoch " in line for line in lines[before:])

    facts = json.loads((tmp_path / "search.json").read_text())
    _, cases = usable_cases(study, single)
    trials = NumberTrials(single, cases, {"mode": "memory", "folder": None}, None, {})
    again = trials.score(found.to_dict(), tmp_path / "again", lambda line: None)
    assert again == pytest.approx(facts["score"], abs=1e-4)
    assert facts["cases_of_no_trial"] == [cases[i].case_id for i in trials.test]
    with pytest.raises(InputError, match="its own space"):
        search(single, study, tmp_path, space={RATE: SPACE[RATE]}, trials=3)


def test_no_trial_has_the_cases_of_the_first_fold(single, study):
    _, cases = usable_cases(study, single)
    targets = [target_value(case, single) for case in cases]
    people = [case.person for case in cases]
    folds = stratified_folds(people, targets, 2, 3)
    trials = NumberTrials(single, cases, {}, None, {})
    assert trials.test == [i for i, fold in enumerate(folds) if fold == 0]
    parts = (trials.test, trials.training, trials.validation)
    assert sorted(i for part in parts for i in part) == list(range(len(cases)))
    assert all(parts)


@pytest.mark.extended
def test_a_segmentation_is_searched_without_its_own_split(tissue_study, tmp_path):
    pytest.importorskip("optuna")
    recipe = tissue_recipe(epochs=1, steps_per_epoch=2, validate_every=1)
    space = {"training.batch_size": {"choices": [1, 2]}}
    folder, lines = tissue_study.parent, []
    best = search(
        recipe,
        tissue_study,
        tmp_path,
        space=space,
        trials=1,
        tables=folder,
        log=lines.append,
    )
    facts = json.loads((tmp_path / "search.json").read_text())
    assert facts["cases_of_no_trial"] == ["m3"]
    # A Dice, the larger the better.
    assert 0 <= facts["score"] <= 1
    assert ImageTrials.maximised
    assert (best / "codes.csv").is_file()
    assert read_recipe(best).training["batch_size"] in (1, 2)


def test_trials_without_a_score_are_told(single, study, tmp_path):
    pytest.importorskip("optuna")
    lines = []
    # Not as many blocks as strides.
    space = {"architecture.arguments.filters": {"choices": [[2]]}}
    with pytest.raises(InputError, match="none of 2"):
        search(single, study, tmp_path, space=space, trials=2, log=lines.append)
    assert sum("cannot be" in line for line in lines) == 2


def test_the_extra_is_named_without_optuna(single, study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"Install medzoo\[search\]"):
        search(single, study, tmp_path, space=SPACE, trials=1)


@pytest.mark.parametrize(
    ("space", "match"),
    [
        ({}, "an object"),
        ([], "an object"),
        ({"channels": {"choices": [1]}}, "channels"),
        ({"training.split.seed": {"low": 1, "high": 2}}, "training.split"),
        ({"preprocessing.spatial.0.step": {"choices": ["x"]}}, "preprocessing"),
        ({"training.views.7.rate": {"low": 0, "high": 1}}, r"views\.7\.rate"),
        ({RATE: {"low": 1, "high": 1}}, "low below high"),
        ({RATE: {"low": 0, "high": 1, "log": True}}, "low below high"),
        ({RATE: {"low": "a", "high": 1}}, "low below high"),
        ({RATE: {"low": 0, "high": 1, "step": 0}}, "low below high"),
        ({RATE: {"choices": []}}, "choices"),
        ({RATE: 3}, "choices"),
        ({RATE: {"low": 1}}, "choices"),
    ],
    ids=str,
)
def test_spaces_that_do_not_fit_are_refused(single, space, match):
    with pytest.raises(InputError, match=match):
        check_space(space, single)


def test_values_go_into_a_copy_of_the_recipe(single):
    changed = with_values(single, {"training.views.0.rate": 0.25, RATE: 0.5})
    assert changed["training"]["views"][0]["rate"] == 0.25
    assert changed["training"]["learning_rate"] == 0.5
    assert single["training"]["views"][0]["rate"] == 1.0
    ends = [
        r["training"]["learning_rate"] for r in ends_of({RATE: SPACE[RATE]}, single)
    ]
    assert ends == [1e-3, 1e-1]
    # A choice is stored by its place.
    stored = {RATE: 0.2, "architecture.arguments.filters": 1}
    assert values_of(stored, SPACE) == {
        RATE: 0.2,
        "architecture.arguments.filters": [3, 4],
    }
