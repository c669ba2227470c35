"""Recalibration: values of a trained network, fitted to scans of another scanner."""

import copy

import numpy as np

from medzoo.data.cases.targets import target_value
from medzoo.data.feeds.labelled_cases import usable_cases
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.errors import InputError, RecipeError
from medzoo.inference.postprocess import output_of_network, step_arguments
from medzoo.models.ensemble import KNOWN_NAME
from medzoo.models.from_recipe import build_model
from medzoo.training.cross_validation import write_out_of_fold
from medzoo.training.enough_cases import check_interval
from medzoo.training.familiarity import LEAST_LIMIT, USUAL
from medzoo.training.tasks import TASKS

# From the simplest on: of equal errors the earlier one is taken.
KINDS = ("unchanged", "shift", "line")
# People are left out one by one, or from so many people on in so many parts.
MOST_PARTS = 20


def recalibrate(model, recipe, cases, path, *, target=None, log=None):
    """Fits a regression network to the scanner of a few people.

    Nothing is trained but two numbers: values stay as they are, are shifted, or
    brought onto a straight line, whichever has the least error for people left out.
    The interval comes from the errors of people for whom kind and line were chosen
    without them, and the scanner's contrast becomes the known one, instead of those of
    training.

    Args:
        model: Keras model.
        recipe: dict, the recipe's content.
        cases: path of a cases.csv, or list of `Case`.
        path: pathlib.Path of the out_of_fold.csv to write: the prediction of each
            person by the others.
        target: str or None, a column instead of the recipe's.
        log: callable taking a line, or None.

    Returns:
        model, dict of the steps "interval" and "familiarity" (None: the network knows
        no contrasts), and the number of people.

    Raises:
        InputError: for another task, an architecture without an output scale, or too
            few people.
    """
    _check_task(recipe)
    _, cases = usable_cases(cases, recipe, target)
    targets = np.array([target_value(case, recipe) for case in cases])
    people = [case.person for case in cases]
    names = list(dict.fromkeys(people))
    folds = [names.index(person) % MOST_PARTS for person in people]
    _check_people(recipe, people, folds)
    values, features = _predicted(model, recipe, cases, log)
    _check_finite(values)
    kind = best_kind(values, targets, folds)
    left_out = values_left_out(values, targets, folds)
    path.parent.mkdir(parents=True, exist_ok=True)
    interval = write_out_of_fold(path, recipe, cases, targets, left_out[:, None], folds)
    line = fitted(kind, values, targets)
    if log is not None:
        log(_told(kind, line, values, left_out, targets))
    found = with_line(model, recipe, line)
    familiarity = _own_contrast(found, recipe, features, folds)
    steps = {"interval": interval, "familiarity": familiarity}
    return found, steps, len(names)


def best_kind(values, targets, people):
    """Returns the one of `KINDS` with the least error on people left out.

    Args:
        values: `(cases,)` array, of the network.
        targets: `(cases,)` array.
        people: sequence, the person of each case, or a part of the people.
    """

    def error(kind):
        found = _left_out(lambda *_: kind, values, targets, people)
        return np.abs(found - targets).mean()

    return min(KINDS, key=error)


def values_left_out(values, targets, people):
    """Returns the value of each case by kind and line of the other people alone.

    Args:
        values: as of `best_kind`.
        targets: likewise.
        people: likewise.

    Returns:
        `(cases,)` array.
    """
    return _left_out(best_kind, values, targets, people)


def fitted(kind, values, targets):
    """Returns slope and intercept by which values are nearest to targets."""
    if kind == "unchanged":
        return 1.0, 0.0
    slope = 1.0
    if kind == "line" and np.ptp(values) > 0:
        slope = float(np.polyfit(values, targets, 1)[0])
    return slope, float(np.mean(targets) - slope * np.mean(values))


def with_line(model, recipe, line):
    """Returns a model whose values lie on a line of those of another.

    Args:
        model: Keras model of `recipe`.
        recipe: dict.
        line: slope and intercept.
    """
    content = copy.deepcopy(recipe)
    arguments = content["architecture"]["arguments"]
    own = arguments.get("member", {}).get("arguments", arguments)
    slope, intercept = line
    own["output_scale"] = slope * own.get("output_scale", 1.0)
    own["output_offset"] = slope * own.get("output_offset", 0.0) + intercept
    made = build_model(content)
    made.set_weights(model.get_weights())
    return made


def _check_task(recipe):
    if not TASKS[recipe["task"]].recalibrated:
        raise InputError(
            "Only values are recalibrated. Received: a model whose task is "
            f"{recipe['task']}. Fine-tune it: medzoo train NAME --fine-tune."
        )
    architecture = recipe["architecture"]
    member = architecture["arguments"].get("member", architecture)
    if member["class"] != "ResNet3D":
        raise InputError(
            "A recalibrated network is a ResNet3D, or an ensemble of them. Received: "
            f"{member['class']}. Fine-tune it: medzoo train NAME --fine-tune."
        )


def _check_people(recipe, people, folds):
    try:
        check_interval(recipe, people, folds, "part {}")
    except RecipeError as error:
        raise InputError(
            "Recalibration needs enough people for the recipe's interval. Received: "
            f"{len(set(people))} people with {len(people)} cases. {error}"
        ) from error


def _check_finite(values):
    if not np.isfinite(values).all():
        raise InputError(
            "The model output must not contain NaN or Inf. Received: "
            f"{np.sum(~np.isfinite(values))} such values. Check the scans."
        )


def _predicted(model, recipe, cases, log):
    """Values `(cases,)` of the network, and features of contrast or None."""
    known = recipe["architecture"]["arguments"].get("known_contrasts") is not None
    # As they are: views are for training.
    prepared = prepared_cases(cases, {**recipe, "training": {}}, mode="streamed")
    values, features = [], []
    for index, case in enumerate(cases):
        image = prepared.get(index)["image"]
        batch = prepared.preparation.preprocessor.normalize(image[None])
        values.append(output_of_network(model, batch, recipe)[0])
        if known:
            features.append(model.get_layer(KNOWN_NAME).describe(batch)[0])
        if log is not None:
            log(f"{case.case_id}: {values[-1]:.1f} {recipe['unit']}")
    return np.array(values, float), np.array(features) if known else None


def _left_out(choose, values, targets, people):
    """The value of each case by a line fitted to the cases of other people.

    `choose` gives its kind, as `best_kind` does.
    """
    people, found = np.asarray(people), np.empty(len(values))
    for person in np.unique(people):
        own = people == person
        others = values[~own], targets[~own]
        slope, intercept = fitted(choose(*others, people[~own]), *others)
        found[own] = slope * values[own] + intercept
    return found


def _own_contrast(model, recipe, features, people):
    """Makes the scanner the known one; returns its step "familiarity", or None.

    The directions in which people of one scanner differ stay those of training: a few
    scans would not tell them.
    """
    step = step_arguments(recipe, "familiarity")
    if features is None or step is None:
        return None
    layer, people = model.get_layer(KNOWN_NAME), np.asarray(people)
    means, whitening, used = layer.get_weights()

    def keep(mean):
        new = np.zeros_like(means)
        new[0] = mean
        layer.set_weights([new, whitening, np.arange(len(used)) < 1])

    distances = np.empty(len(features))
    for person in np.unique(people):
        own = people == person
        keep(features[~own].mean(0))
        distances[own] = layer.distance(features[own])
    keep(features.mean(0))
    usual = float(np.quantile(distances, USUAL))
    ratio = max(step["limit"] / step["usual"], LEAST_LIMIT)
    # A factor for each known scanner: of the only one it is 1.
    factors = {"scanners": [1.0]} if "scanners" in step else {}
    new = {"usual": round(usual, 4), "limit": round(ratio * usual, 4)}
    return {**step, **factors, **new}


def _told(kind, line, values, left_out, targets):
    before, after = (np.abs(v - targets).mean() for v in (values, left_out))
    constant = np.abs(np.median(targets) - targets).mean()
    return (
        f"{kind}: value = {line[0]:.3f} x output {line[1]:+.2f}; mean absolute error "
        f"{before:.2f} before, {after:.2f} for people left out (their "
        f"median as the prediction: {constant:.2f})"
    )
