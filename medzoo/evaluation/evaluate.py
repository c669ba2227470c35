"""Evaluation: predictions against the truth; the only writer of metrics.json."""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from medzoo.batch.case_records import tell
from medzoo.batch.predictor import Predictor
from medzoo.data.cases.cohort import GROUP_COLUMNS
from medzoo.data.cases.targets import target_and_codes, target_column, target_value
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.evaluation.metrics_file import check_output, write_cost, write_metrics
from medzoo.evaluation.metrics_text import metrics_text
from medzoo.evaluation.out_of_fold import (
    read_baselines,
    read_out_of_fold,
    read_out_of_scanner,
)
from medzoo.evaluation.prediction_cost import cost_of, engines_of, peak_memory_gb
from medzoo.evaluation.task_evaluation import ImageEvaluation
from medzoo.evaluation.tasks import TASKS
from medzoo.progress import Progress
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve
from medzoo.zoo.weights import count_parameters


def evaluate(name, cases=None, *, target=None, out_of_fold=False, threads=None):
    """Measures a model of the zoo.

    Args:
        name: str or path: a name, `name@version`, or a model folder.
        cases: path of a cases.csv with the truth; None with `out_of_fold`.
        target: str or None, the column with the truth instead of the recipe's.
        out_of_fold: bool, measure the stored cross-validation instead of predicting.
        threads: int or None, CPU threads at most.

    Returns:
        dict: `model`, `version`, `protocol`, `parameters`, `metrics` (name ->
        `{"value", "ci95", "n"}`), `baselines`, `groups`, `cost`, and `failed` (case_id
        -> error) where cases could not be predicted.

    Raises:
        InputError: if no case has a truth and a prediction.
    """
    folder = resolve(name)
    recipe = read_recipe(folder)
    content = recipe.to_dict()
    task = TASKS[recipe.task](content)
    others = {}
    if out_of_fold:
        truth, found, others = _cross_validated(folder, task, recipe, threads)
    elif isinstance(task, ImageEvaluation):
        truth, found = None, _measured(folder, task, cases, target, threads)
    else:
        truth, found = _predicted(folder, task, cases, target, threads)
    found = {"model": recipe.name, "version": recipe.version, **found}
    found["parameters"] = count_parameters(folder, recipe)
    if truth is not None:
        found["metrics"] = task.measure(truth)
        found["baselines"] = {**task.baselines(truth), **others}
        found["groups"] = task.groups(truth)
    return found


def _cross_validated(folder, task, recipe, threads):
    """The stored cross-validation, its cost, and what else was tried in its folds."""
    content = task.recipe
    truth = read_out_of_fold(folder, content)
    protocol = (
        f"Cross-validation in {len(set(truth.folds))} folds over "
        f"{len(truth.target)} cases, split by subject: each is predicted by the "
        "one network that never saw it."
    )
    # A cross-validation can be measured where its networks were not kept.
    spent = {"cost": {}}
    if recipe.weights is not None:
        spent = measure_cost(folder, threads=threads)
    others = read_baselines(folder, content)
    scanners = read_out_of_scanner(folder, content)
    found = {"protocol": protocol, **spent}
    found["out_of_scanner"] = {k: task.measure(own) for k, own in scanners.items()}
    return truth, found, {name: task.measure(own) for name, own in others.items()}


def _measured(folder, task, table, target, threads):
    """Measures a model whose predictions are images."""
    from medzoo.inference.predict import Options

    recipe = task.recipe
    column, codes = target_and_codes(recipe, target)
    columns = ["subject", *GROUP_COLUMNS]
    cases = read_cases(table, recipe["channels"], target=column, columns=columns)
    usable = [c for c in cases if c.images and (column is None or c.target is not None)]
    if len(usable) < len(cases):
        left_out = len(cases) - len(usable)
        sys.stderr.write(f"medzoo: {left_out} cases without image or truth left out\n")
    if not usable:
        raise InputError(
            "An evaluation needs at least one case with an image and what it is "
            f"compared with. Received: {len(cases)} cases without, in {table}."
        )
    predictor = Predictor(folder, threads=threads)
    cost = _cost(predictor, task, usable[0])
    engines = _cost(predictor, task, usable[0], engines_of)
    predictor.options = Options(probabilities=task.needs_probabilities)
    with Progress(len(usable), "cases") as progress:
        found = task.measure_cases(predictor, usable, codes=codes, progress=progress)
    return {**found, "cost": cost, "engines": engines}


def measure_cost(folder, table=None, *, threads=None):
    """Measures what one prediction costs, and nothing else.

    Args:
        folder: path of a model's folder.
        table: path of a cases.csv, whose first case with an image is taken; None for
            an average brain.
        threads: int or None, CPU threads at most.

    Returns:
        dict of `cost` and `engines`, as `evaluate` gives them.
    """
    recipe = read_recipe(folder).to_dict()
    cases = [] if table is None else read_cases(table, recipe["channels"])
    case = next((case for case in cases if case.images), None)
    predictor = Predictor(folder, threads=threads)
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


def _predicted(folder, task, table, target, threads):
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
    predictor = Predictor(folder, threads=threads)
    records = []
    with Progress(len(labelled), "cases") as progress:
        for record in predictor.records(labelled, progress=progress):
            records.append(record)
            tell(record, progress)
    seconds = (time.perf_counter() - started) / max(1, len(labelled))
    failed = {r["case_id"]: r["error"] for r in records if "error" in r}
    good = [record for record in records if "error" not in record]
    if not good:
        raise InputError(
            "An evaluation needs at least one case with a truth and a prediction. "
            f"Received: {len(labelled)} labelled, {len(failed)} failed, in {table}."
        )
    known = {case.case_id: case.columns for case in labelled}
    targets = np.array([values[record["case_id"]] for record in good])
    truth = task.truth(targets, good, [known[r["case_id"]] for r in good])
    found = {
        "protocol": f"{len(good)} labelled cases of {Path(table).name}.",
        "cost": {
            "seconds_per_scan": round(seconds, 2),
            "peak_memory_gb": peak_memory_gb(),
        },
    }
    if failed:
        found["failed"] = failed
    return truth, found


def run(options):
    """Evaluates for the command line; returns the exit code."""
    if options.output is not None:
        check_output(options)
    if options.cost:
        return _run_cost(options)
    if options.repeatability:
        return _run_repeats(options)
    found = evaluate(
        options.folder,
        options.cases,
        target=options.target,
        out_of_fold=options.out_of_fold,
        threads=options.threads,
    )
    if options.output is not None:
        recipe = read_recipe(options.folder)
        write_metrics(options.output, found, recipe, external=options.external)
    if options.json:
        text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(text + "\n")
    else:
        sys.stdout.write(metrics_text(found))
    return 1 if found.get("failed") else 0


def _run_cost(options):
    found = measure_cost(options.folder, options.cases, threads=options.threads)
    if options.output is not None:
        write_cost(options.output, found, read_recipe(options.folder))
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 0 if found["cost"] else 1


def _run_repeats(options):
    from medzoo.evaluation.repeatability import measure_repeats

    found = measure_repeats(options.folder, options.cases, threads=options.threads)
    if options.output is not None:
        write_cost(options.output, found, read_recipe(options.folder))
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 0
