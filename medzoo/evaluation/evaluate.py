"""Evaluation: predictions against the truth; the only writer of metrics.json."""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.batch.case_records import tell
from medzoo.batch.predictor import Predictor
from medzoo.data.cases.cohort import GROUP_COLUMNS
from medzoo.data.cases.targets import target_and_codes, target_column, target_value
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.evaluation.metrics_file import check_output, write_cost, write_metrics
from medzoo.evaluation.out_of_fold import (
    read_baselines,
    read_out_of_fold,
    read_out_of_scanner,
)
from medzoo.evaluation.prediction_cost import cost_of, engines_of, peak_memory_gb
from medzoo.evaluation.repeatability import measure_repeats
from medzoo.evaluation.task_evaluation import ImageEvaluation
from medzoo.evaluation.tasks import TASKS
from medzoo.inference.settings import Settings
from medzoo.progress import Progress
from medzoo.zoo.checked_model import check_files
from medzoo.zoo.resolve import resolve_recipe


def evaluate(
    source: str | Path,
    cases: Any = None,
    *,
    target: str | None = None,
    out_of_fold: bool = False,
    cost: bool = False,
    repeatability: bool = False,
    output: str | Path | None = None,
    as_external: str | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Measures a model of the zoo.

    Args:
        source: str or path: a name, `name@version`, a model folder or
            `hf://org/repo`.
        cases: path of a cases.csv with the truth, "bids:DIR" or LAYOUT:FOLDER; None
            with `out_of_fold`, and with `cost` for an average brain.
        target: str or None, the column with the truth instead of the recipe's.
        out_of_fold: bool, measure the stored cross-validation instead of predicting.
        cost: bool, measure seconds and memory of one prediction alone.
        repeatability: bool, measure how far predictions differ for scans of one person
            (a column `subject`) alone.
        output: path or None, a metrics.json to write, or to add to.
        as_external: str or None, the name under which the cases are added to `output`
            as other data.
        threads: int or None, CPU threads at most.

    Returns:
        dict: `model`, `version`, `protocol`, `parameters`, `metrics` (name ->
        `{"value", "ci95", "n"}`), `baselines`, `groups`, `cost`, and `failed` (case_id
        -> error) where cases could not be predicted. With `cost` a dict of `cost` and
        `engines`; with `repeatability` of that alone.

    Raises:
        InputError: if no case has a truth and a prediction, or there is no file that
            numbers could be added to.
    """
    folder, recipe = resolve_recipe(source)
    task = TASKS[recipe.task](recipe.to_dict())
    added = cost or repeatability
    _check_external(as_external, added)
    if output is not None:
        check_output(output, recipe, adds=added or as_external is not None)
    if cost:
        found = measure_cost(check_files(folder, recipe), cases, threads=threads)
    elif repeatability:
        found = measure_repeats(check_files(folder, recipe), cases, threads=threads)
    elif out_of_fold:
        found = _out_of_fold(folder, recipe, task, threads)
    else:
        files = check_files(folder, recipe)
        on_images = isinstance(task, ImageEvaluation)
        measure = _measured if on_images else _predicted
        found = measure(files, task, cases, target, threads)
        found["parameters"] = files.parameters
    if not added:
        found = {"model": recipe.name, "version": recipe.version, **found}
    if output is not None and added:
        write_cost(output, found, recipe)
    elif output is not None:
        write_metrics(output, found, recipe, external=as_external)
    return found


def _check_external(name, added):
    if added and name is not None:
        raise InputError(
            "Cost and repeatability belong to the model, and to no other data. "
            f"Received: as_external={name!r}. Leave it out."
        )


def _out_of_fold(folder, recipe, task, threads):
    """Measures a stored cross-validation, and what else was tried in its folds."""
    content = recipe.to_dict()
    truth = read_out_of_fold(folder, content)
    found = {
        "protocol": f"Cross-validation in {len(set(truth.folds))} folds over "
        f"{len(truth.target)} cases, split by subject: each case is predicted by a "
        "model that was fitted without it.",
        "cost": {},
        "parameters": None,
    }
    # A cross-validation can be measured where its networks were not kept.
    if recipe.weights is not None:
        files = check_files(folder, recipe)
        found |= measure_cost(files, threads=threads)
        found["parameters"] = files.parameters
    found["out_of_scanner"] = {
        name: task.measure(predicted)
        for name, predicted in read_out_of_scanner(folder, content).items()
    }
    found |= _metrics(truth, task)
    found["baselines"] |= {
        name: task.measure(predicted)
        for name, predicted in read_baselines(folder, content).items()
    }
    return found


def _metrics(truth, task):
    return {
        "metrics": task.measure(truth),
        "baselines": task.baselines(truth),
        "groups": task.groups(truth),
    }


def _measured(files, task, table, target, threads):
    """Measures a model whose predictions are images."""
    recipe = task.recipe
    column, codes = target_and_codes(recipe, target)
    columns = ["subject", *GROUP_COLUMNS]
    cases = read_cases(table, recipe["channels"], target=column, columns=columns)
    usable = [c for c in cases if c.images and (column is None or c.target is not None)]
    if len(usable) < len(cases):
        left_out = len(cases) - len(usable)
        sys.stderr.write(f"medzoo: {left_out} cases without image or target left out\n")
    if not usable:
        raise InputError(
            "An evaluation needs at least one case with an image and a target. "
            f"Received: {len(cases)} cases without, in {table}."
        )
    predictor = Predictor(files, threads=threads)
    cost = _cost(predictor, task, usable[0])
    engines = _cost(predictor, task, usable[0], engines_of)
    predictor.settings = Settings(probabilities=task.needs_probabilities)
    with Progress(len(usable), "cases") as progress:
        found = task.measure_cases(predictor, usable, codes=codes, progress=progress)
    return {**found, "cost": cost, "engines": engines}


def measure_cost(files, table=None, *, threads=None):
    """Measures what one prediction costs, and nothing else.

    Args:
        files: `CheckedModel`.
        table: path of a cases.csv, whose first case with an image is taken; None for
            an average brain.
        threads: int or None, CPU threads at most.

    Returns:
        dict of `cost` and `engines`, as `evaluate` gives them.
    """
    recipe = files.recipe.to_dict()
    cases = [] if table is None else read_cases(table, recipe["channels"])
    case = next((case for case in cases if case.images), None)
    predictor = Predictor(files, threads=threads)
    task = TASKS[recipe["task"]](recipe)
    return {
        "cost": _cost(predictor, task, case),
        "engines": _cost(predictor, task, case, engines_of),
    }


def _cost(predictor, task, case, measure=None):
    measure = measure or cost_of
    if case is None:
        return measure(predictor)
    with tempfile.TemporaryDirectory() as folder:
        return measure(predictor, task.input_case(case, folder))


def _predicted(files, task, table, target, threads):
    """Measures a model whose predictions are numbers."""
    recipe = task.recipe
    column = target_column(recipe, target)
    cases = read_cases(table, recipe["channels"], target=column, columns=GROUP_COLUMNS)
    labelled = [case for case in cases if case.target is not None]
    if len(labelled) < len(cases):
        left_out = len(cases) - len(labelled)
        sys.stderr.write(f"medzoo: {left_out} cases without {column} are left out\n")
    # Before minutes of prediction: a cell that is no number.
    values = {case.case_id: target_value(case, recipe) for case in labelled}
    started = time.perf_counter()
    predictor = Predictor(files, threads=threads)
    records = []
    with Progress(len(labelled), "cases") as progress:
        for done, result in enumerate(predictor.results(labelled), 1):
            progress(done)
            records.append(result.record)
            tell(result.record, progress)
    seconds = (time.perf_counter() - started) / max(1, len(labelled))
    failed = {r["case_id"]: r["error"] for r in records if "error" in r}
    good = [record for record in records if "error" not in record]
    if not good:
        raise InputError(
            "An evaluation needs at least one case with a truth and a prediction. "
            f"Received: {len(labelled)} labelled, {len(failed)} failed, in {table}."
        )
    known = {case.case_id: case for case in labelled}
    targets = np.array([values[record["case_id"]] for record in good])
    own = [known[record["case_id"]] for record in good]
    truth = task.truth(targets, good, [case.columns for case in own])
    truth = replace(truth, people=np.array([case.person for case in own]))
    found = {
        "protocol": f"{len(good)} labelled cases of {Path(table).name}.",
        "cost": {
            "seconds_per_scan": round(seconds, 2),
            "peak_memory_gb": peak_memory_gb(),
        },
    }
    if failed:
        found["failed"] = failed
    return found | _metrics(truth, task)
