"""Cross-validation: every subject predicted by a network that never saw it."""

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
from medzoo.errors import RecipeError
from medzoo.files import sha256_of, write_text_atomically
from medzoo.inference.postprocess import answer_of_network, softmax, step_arguments
from medzoo.training.fit import fit, single_network
from medzoo.training.settings import TrainingSettings
from medzoo.training.weights_file import write_weights

COLUMNS = ("case_id", "fold", "target", "prediction", "low", "high")


def cross_validate(recipe, prepared, targets, folder, *, log=None, workers=None):
    """Trains one network a fold and predicts the cases that it did not see.

    Args:
        recipe: dict, the recipe's content.
        prepared: `PreparedCases`.
        targets: sequence of float or int, one a case.
        folder: path; folds that are finished there are not trained again.
        log: callable taking a line, or None.
        workers: int or None, threads that make batches.

    Returns:
        list of networks, one a fold, and `(cases, outputs)` float32 array of what each
        case's held-out network answers, and the list of folds.
    """
    settings = TrainingSettings.from_recipe(recipe)
    subjects = [case.person for case in prepared.cases]
    folds = stratified_folds(
        subjects, targets, settings.split["num_folds"], settings.split["seed"]
    )
    folder = Path(folder)
    # Shared: what a case's versions are does not depend on the fold.
    variants = Variants(prepared, settings.seed)
    weights = case_weights(prepared.cases, targets, recipe["training"])
    networks, outputs = [], {}
    for fold in range(settings.split["num_folds"]):
        inside = [i for i, f in enumerate(folds) if f != fold]
        data = CaseDataset(
            prepared,
            targets,
            batch_size=settings.batch_size,
            seed=settings.seed + fold,
            indices=inside,
            variants=variants,
            weights=weights,
        )
        run = folder / f"fold-{fold}"
        network = _train_fold(recipe, data, run, fold, log, workers)
        networks.append(network)
        for index in (i for i, f in enumerate(folds) if f == fold):
            x = data.preprocessor.normalize(prepared.get(index)["image"][None])
            outputs[index] = answer_of_network(network, x, recipe)
        if log is not None:
            log(f"fold {fold}: {_error(recipe, outputs, targets, folds, fold)}")
        keras.backend.clear_session(free_memory=False)
    return networks, np.stack([outputs[i] for i in range(len(targets))]), folds


def _train_fold(recipe, data, folder, fold, log, workers):
    finished = folder / "network.weights.h5"
    mark = folder / "network.json"
    if _is_whole(finished, mark):
        network = single_network(recipe)
        network.load_weights(finished)
        return network

    def say(line):
        log(f"fold {fold}, {line}")

    seeded = dict(recipe)
    own_seed = recipe["training"].get("seed", 0) + fold
    seeded["training"] = {**recipe["training"], "seed": own_seed}
    say = None if log is None else say
    network = fit(seeded, data, folder, log=say, workers=workers)
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


def check_enough(recipe, cases, targets):
    """Makes sure, before any training, that there are cases enough for all of it.

    Args:
        recipe: dict.
        cases: list of `Case`.
        targets: sequence of float or int, one a case.

    Raises:
        InputError: if there are fewer people than folds.
        RecipeError: if there are too few errors for the interval's coverage.
    """
    split = TrainingSettings.from_recipe(recipe).split
    people = [case.person for case in cases]
    folds = stratified_folds(people, targets, split["num_folds"], split["seed"])
    if recipe["task"] == "regression":
        coverage = (step_arguments(recipe, "interval") or {}).get("coverage", 0.9)
        fewest = len(folds) - max(folds.count(fold) for fold in set(folds))
        error_bounds(np.zeros(fewest), coverage)


def _error(recipe, outputs, targets, folds, fold):
    inside = [i for i, f in enumerate(folds) if f == fold]
    if recipe["task"] == "regression":
        error = np.mean([abs(outputs[i][0] - targets[i]) for i in inside])
        return f"mean absolute error {error:.2f} {recipe['unit']} on {len(inside)}"
    hits = np.mean([int(np.argmax(outputs[i])) == targets[i] for i in inside])
    return f"accuracy {hits:.3f} on {len(inside)}"


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
    regression = recipe["task"] == "regression"
    coverage = (step_arguments(recipe, "interval") or {}).get("coverage", 0.9)
    targets, folds = np.asarray(targets), np.asarray(folds)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = (
        COLUMNS if regression else ("case_id", "fold", "target", *recipe["class_names"])
    )
    # What results are told for; a target is there already.
    given = {name for case in cases for name, cell in case.columns.items() if cell}
    known = [n for n in GROUP_COLUMNS if n in given - {recipe["target"]["column"]}]
    writer.writerow([*names, *known])
    residuals = targets - outputs[:, 0]
    for i, case in enumerate(cases):
        row = [case.case_id, int(folds[i])]
        if regression:
            low, high = error_bounds(residuals[folds != folds[i]], coverage)
            value = float(outputs[i, 0])
            numbers = (float(targets[i]), value, value + low, value + high)
            row += [f"{number:.4f}" for number in numbers]
        else:
            row.append(recipe["class_names"][int(targets[i])])
            row += [f"{p:.6f}" for p in softmax(outputs[i])]
        writer.writerow([*row, *(case.columns.get(name, "") for name in known)])
    write_text_atomically(path, text.getvalue())
    if not regression:
        return None
    low, high = error_bounds(residuals, coverage)
    return {"coverage": coverage, "lower": round(low, 4), "upper": round(high, 4)}


def error_bounds(residuals, coverage):
    """Returns `(low, high)`, what to add to a prediction to hold the truth so often.

    Split-conformal: the quantiles are taken a little further out, so that the
    coverage holds for finitely many errors.

    Args:
        residuals: `(cases,)` array, target minus prediction.
        coverage: float, in (0, 1).

    Raises:
        RecipeError: if there are too few errors for that coverage.

    Source:
        Lei et al., "Distribution-Free Predictive Inference for Regression" (2018).
    """
    ordered = np.sort(np.asarray(residuals, float))
    count = len(ordered)
    outside = int(np.floor((1 - coverage) / 2 * (count + 1)))
    if outside < 1:
        raise RecipeError(
            f"An interval of coverage {coverage} needs more cases. "
            f"Received: {count} errors. Add cases or lower the coverage."
        )
    return float(ordered[outside - 1]), float(ordered[count - outside])
