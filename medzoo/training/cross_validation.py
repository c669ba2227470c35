"""Cross-validation: out-of-fold predictions of all subjects."""

import csv
import io
import json
from pathlib import Path

import keras
import numpy as np

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.cohort import GROUP_COLUMNS
from medzoo.data.cases.splits import stratified_folds
from medzoo.data.feeds.case_dataset import CaseDataset, Variants
from medzoo.files import sha256_of, write_text_atomically
from medzoo.inference.postprocess import output_of_network
from medzoo.training.fit import fit
from medzoo.training.held_out import of_others
from medzoo.training.log_lines import of_network
from medzoo.training.network import single_network
from medzoo.training.settings import TrainingSettings
from medzoo.training.tasks import TASKS
from medzoo.training.weights_file import write_weights


def cross_validate(
    recipe,
    prepared,
    targets,
    folder,
    *,
    starts=None,
    log=None,
    workers=None,
    devices=None,
):
    """Trains one network per fold and predicts its held-out cases.

    Args:
        recipe: dict, the recipe's content.
        prepared: `PreparedCases`.
        targets: sequence of float or int, one a case.
        folder: path; folds that are finished there are not trained again.
        starts: list of paths of weights to start from, in turns, or None for fresh
            weights.
        log: callable taking a line, or None.
        workers: int or None, threads that make batches.
        devices: as of `medzoo.training.fit.fit`.

    Returns:
        list of networks, one a fold, and `(cases, outputs)` float32 array of the
        outputs of each case's held-out network, and the list of folds.
    """
    settings = TrainingSettings.from_recipe(recipe)
    subjects = [case.person for case in prepared.cases]
    folds = stratified_folds(
        subjects, targets, settings.split["num_folds"], settings.split["seed"]
    )
    options = {"starts": starts, "log": log, "workers": workers, "devices": devices}
    networks, outputs = leave_out(recipe, prepared, targets, folds, folder, **options)
    return networks, outputs, folds


def leave_out(
    recipe,
    prepared,
    targets,
    groups,
    folder,
    *,
    starts=None,
    log=None,
    workers=None,
    devices=None,
):
    """Trains one network for each group of cases, on all others, and predicts it.

    Of a person with cases in the group no case is trained on, on whatever scanner.

    Args:
        recipe: dict, the recipe's content.
        prepared: `PreparedCases`.
        targets: sequence of float or int, one a case.
        groups: sequence of int or str, one a case: a fold, or a scanner.
        folder: path; networks that are finished there are not trained again.
        starts: as of `cross_validate`.
        log: callable taking a line, or None.
        workers: int or None, threads that make batches.
        devices: as of `medzoo.training.fit.fit`.

    Returns:
        list of networks, one a group in order, and `(cases, outputs)` float32 array of
        the outputs of each case's held-out network.
    """
    settings = TrainingSettings.from_recipe(recipe)
    folder = Path(folder)
    # Shared: what a case's versions are does not depend on the group.
    variants = Variants(prepared, settings.seed)
    weights = case_weights(prepared.cases, targets, recipe["training"])
    people = [case.person for case in prepared.cases]
    networks, outputs = [], {}
    for number, group in enumerate(sorted(set(groups))):
        is_fold = isinstance(group, int)
        name = f"fold {group}" if is_fold else f"without {group}"
        data = CaseDataset(
            prepared,
            targets,
            batch_size=settings.batch_size,
            seed=settings.seed + number,
            indices=of_others(groups, people, group),
            variants=variants,
            weights=weights,
        )
        # Never by a name out of the table: it may be no name of a folder.
        run = folder / f"{'fold' if is_fold else 'without'}-{number}"
        start = None if starts is None else starts[number % len(starts)]
        given = {"start": start, "workers": workers, "devices": devices}
        network = _train_fold(recipe, data, run, number, name, log, given)
        networks.append(network)
        held_out = [i for i, own in enumerate(groups) if own == group]
        for index in held_out:
            x = data.preprocessor.normalize(prepared.get(index)["image"][None])
            outputs[index] = output_of_network(network, x, recipe)
        if log is not None:
            truth = np.array([targets[i] for i in held_out])
            found = np.array([outputs[i] for i in held_out])
            log(f"{name}: {TASKS[recipe['task']](recipe).error_text(truth, found)}")
        keras.backend.clear_session(free_memory=False)
    return networks, np.stack([outputs[i] for i in range(len(targets))])


def _train_fold(recipe, data, folder, number, name, log, given):
    finished = folder / "network.weights.h5"
    mark = folder / "network.json"
    if _is_whole(finished, mark):
        network = single_network(recipe)
        network.load_weights(finished)
        return network

    def say(line):
        log(of_network(name, line))

    seeded = dict(recipe)
    own_seed = recipe["training"].get("seed", 0) + number
    seeded["training"] = {**recipe["training"], "seed": own_seed}
    say = None if log is None else say
    network = fit(seeded, data, folder, log=say, **given)
    facts = write_weights(network, finished, dtype="float32")
    write_text_atomically(mark, json.dumps(facts) + "\n")
    return network


def _is_whole(weights, mark):
    """Whether a finished network is as it was written; else it is trained again."""
    try:
        known = json.loads(mark.read_text(encoding="utf-8"))["sha256"]
        return sha256_of(weights) == known
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_out_of_fold(path, recipe, cases, targets, outputs, folds):
    """Writes out_of_fold.csv; returns the interval for the recipe, or None.

    A fold's interval comes from the errors of the other folds, so that its coverage
    can be believed; the recipe's own comes from all of them.

    Args:
        path: path of the csv, replaced atomically.
        recipe: dict.
        cases: list of `Case`.
        targets: sequence of float or int.
        outputs: `(cases, outputs)` array.
        folds: list of int.

    Returns:
        dict `{"coverage", "lower", "upper"}` for regression, else None.
    """
    task = TASKS[recipe["task"]](recipe)
    targets, folds = np.asarray(targets), np.asarray(folds)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # Columns that results are grouped by; a target is there already.
    given = {name for case in cases for name, cell in case.columns.items() if cell}
    known = [n for n in GROUP_COLUMNS if n in given - {recipe["target"]["column"]}]
    writer.writerow(["case_id", "fold", *task.columns(), *known])
    for i, case in enumerate(cases):
        others = folds != folds[i]
        interval = task.interval(targets[others], outputs[others])
        row = [
            case.case_id,
            int(folds[i]),
            *task.cells(targets[i], outputs[i], interval),
        ]
        writer.writerow([*row, *(case.columns.get(name, "") for name in known)])
    write_text_atomically(path, text.getvalue())
    interval = task.interval(targets, outputs)
    return interval and {name: round(end, 4) for name, end in interval.items()}
