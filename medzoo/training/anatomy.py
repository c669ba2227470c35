"""Training of a readout of anatomy: features once, then closed forms."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.splits import stratified_folds
from medzoo.errors import InputError
from medzoo.files import write_text_atomically
from medzoo.inference.familiarity import widening
from medzoo.inference.postprocess import softmax, step_arguments
from medzoo.models.anatomy_readout import SCALING_NAME
from medzoo.models.from_recipe import build_model
from medzoo.training.anatomy_samples import measured_samples
from medzoo.training.cross_validation import error_bounds, write_out_of_fold
from medzoo.training.ridge import ridge_classification, ridge_regression
from medzoo.training.settings import TrainingSettings

OUT_OF_SCANNER_FILE = "out_of_scanner.csv"
SOURCE = "source"
# What else is told of each case, beside its scanner.
KNOWN = ("source", "age", "sex")
# Nine of ten people of a scanner that is known lie nearer than what is called usual.
USUAL = 0.9
# Doubt grows with the distance to this power at most.
MOST_GROWTH = 4.0


@dataclass(frozen=True)
class Readout:
    """A fitted readout: the scaling's numbers, and those of the dense layer.

    Args:
        scaling: `FeatureScaling`, fitted.
        kernel: `(features, outputs)` float64, for scaled features.
        constant: `(outputs,)` float64.
    """

    scaling: object
    kernel: np.ndarray
    constant: np.ndarray

    def __call__(self, features):
        """Returns `(rows, outputs)`: a value in the target's unit, or logits."""
        scaled = np.asarray(self.scaling(features), np.float64)
        return scaled @ self.kernel + self.constant

    def into(self, model):
        """Puts the readout into an `AnatomyReadout3D`."""
        arguments = model.get_config()
        scale, offset = arguments["output_scale"], arguments["output_offset"]
        model.get_layer(SCALING_NAME).set_weights(self.scaling.get_weights())
        model.get_layer(model.head_name).set_weights(
            [
                (self.kernel / scale).astype(np.float32),
                ((self.constant - offset) / scale).astype(np.float32),
            ]
        )


def train_anatomy(recipe, prepared, targets, output, *, start, log):
    """Fits the readout of an `AnatomyReadout3D`, and measures it.

    Its body is not trained: it comes with the weights to start from. Besides the folds
    of the recipe's split whole sources are left out, one after the other, where the
    table has several: what an answer is worth on a scanner that nobody has seen.

    Args:
        recipe: dict, the recipe's content.
        prepared: `PreparedCases`, prepared.
        targets: sequence of float or int, one a case.
        output: path of the folder for the results and the features.
        start: path of weights of the whole network.
        log: callable taking a line.

    Returns:
        The trained Keras model, and the recipe with what was measured.

    Raises:
        InputError: without weights to start from.
    """
    if start is None:
        raise InputError(
            "A readout of anatomy needs a body that can segment. Received: no weights "
            "to start from. Use --fine-tune with a model that has them."
        )
    model = build_model({**recipe, "weights": None})
    model.load_weights(start)
    output = Path(output)
    samples = measured_samples(model, recipe, prepared, output / "features", log)
    targets = np.asarray(targets, np.float64)
    weights = case_weights(prepared.cases, targets, recipe["training"])
    weights = np.ones(len(targets)) if weights is None else np.asarray(weights)
    fitted = _Fitting(recipe, samples, targets, weights, _subjects(prepared.cases))
    settings = TrainingSettings.from_recipe(recipe)
    folds = stratified_folds(
        _subjects(prepared.cases),
        targets,
        settings.split["num_folds"],
        settings.split["seed"],
    )
    answers, home = fitted.left_out(folds)
    told = {"cases": prepared.cases, "targets": targets}
    interval = write_out_of_fold(
        output / "out_of_fold.csv", recipe, outputs=answers, folds=folds, **told
    )
    at_home = _Answers(answers, home, fitted.targets)
    sources = [case.columns.get(SOURCE, "") for case in prepared.cases]
    step = None
    if len(set(sources)) > 1:
        away = _Answers(*fitted.left_out(sources), fitted.targets)
        step = familiarity(recipe, at_home, away, interval)
        rows = doubts_by_others(recipe, at_home, away, sources)
        path = output / OUT_OF_SCANNER_FILE
        write_out_of_scanner(path, recipe, away, rows, sources, cases=prepared.cases)
        log(_told(recipe, away.outputs, targets, sources))
    fitted(np.ones(len(targets), bool)).into(model)
    return model, with_steps(recipe, {"interval": interval, "familiarity": step})


class _Fitting:
    """Fits readouts to some of the cases, and tells what they say of the others."""

    def __init__(self, recipe, samples, targets, weights, subjects):
        self.recipe = recipe
        self.samples = samples
        self.targets = targets
        self.weights = weights
        self.subjects = np.asarray(subjects)
        arguments = recipe["architecture"]["arguments"]
        self.directions = arguments.get("num_directions", 16)
        settings = dict(recipe["training"].get("readout") or {})
        self.penalty = settings.get("penalty", 0.1)
        features = arguments["features"]
        regions = len(features["regions"]) + bool(features.get("size"))
        maps = samples.plain.shape[1] - regions
        share = settings.get("volumes", 0.5) if maps else 1.0
        self.groups = [(regions, share), (maps, 1.0 - share, "together")]

    def __call__(self, chosen):
        """Fits a `Readout` to the chosen cases, a `(cases,)` bool array."""
        from medzoo.layers import FeatureScaling

        rows = chosen[self.samples.cases]
        cases = self.samples.cases[rows]
        weights = self.samples.shares[rows] * self.weights[cases]
        scaling = FeatureScaling(self.directions)
        scaling.fit(self.samples.features[rows], self.groups, weights)
        scaled = np.asarray(scaling(self.samples.features[rows]))
        if self.recipe["task"] == "classification":
            classes = np.eye(len(self.recipe["class_names"]))
            wanted = classes[self.targets[cases].astype(int)]
            own = self.subjects[cases]
            found = ridge_classification(scaled, wanted, self.penalty, own, weights)
        else:
            wanted = self.targets[cases][:, None]
            found = ridge_regression(scaled, wanted, self.penalty, weights)
        return Readout(scaling, *found)

    def left_out(self, groups):
        """Predicts every group of cases by a readout that never saw it.

        Returns:
            `(cases, outputs)` answers, and `(cases,)` distances from what each knew.
        """
        groups = np.asarray(groups)
        answers, distances = [None] * len(groups), np.zeros(len(groups))
        for group in dict.fromkeys(groups.tolist()):
            inside = groups == group
            readout = self(~inside)
            plain = self.samples.plain[inside]
            distances[inside] = readout.scaling.distance(plain)
            for place, answer in zip(
                np.flatnonzero(inside), readout(plain), strict=True
            ):
                answers[place] = answer
        return np.array(answers), distances


@dataclass(frozen=True)
class _Answers:
    """What readouts say of cases that they never saw.

    Args:
        outputs: `(cases, outputs)` array.
        distances: `(cases,)` array, from what each readout knew.
        targets: `(cases,)` array.
    """

    outputs: np.ndarray
    distances: np.ndarray
    targets: np.ndarray

    def only(self, chosen):
        """Returns the answers for some of the cases, a bool array."""
        parts = (self.outputs, self.distances, self.targets)
        return _Answers(*(part[chosen] for part in parts))


def familiarity(recipe, home, away, interval):
    """Finds how doubt must grow with the distance from what a model knows.

    Args:
        recipe: dict.
        home: `_Answers` for people left out.
        away: `_Answers` for scanners left out.
        interval: dict of the interval at home, or None for classes.

    Returns:
        dict, arguments of the step "familiarity".
    """
    usual = float(np.quantile(home.distances, USUAL))
    growths = np.arange(0, MOST_GROWTH + 0.01, 0.1)
    losses = [
        _loss(away, widening(away.distances, usual, growth), interval)
        for growth in growths
    ]
    growth = float(growths[int(np.argmin(losses))])
    limit = usual * 2 ** (1 / growth) if growth else 2 * float(away.distances.max())
    return {
        "usual": round(usual, 4),
        "growth": round(growth, 2),
        "limit": round(limit, 4),
    }


def doubts_by_others(recipe, home, away, sources):
    """Returns the doubt in each case as if its scanner had never been there.

    Interval and growth come from the other scanners: what is chosen on a scanner could
    not be judged by it.

    Returns:
        `(cases, 3)` array: what the interval adds below and above (0 for classes), and
        what logits are divided by.
    """
    sources = np.asarray(sources)
    found = np.zeros((len(sources), 3))
    coverage = (step_arguments(recipe, "interval") or {}).get("coverage", 0.9)
    for source in dict.fromkeys(sources.tolist()):
        own, others = sources == source, sources != source
        interval = None
        if recipe["task"] == "regression":
            known = home.only(others)
            ends = error_bounds(known.targets - known.outputs[:, 0], coverage)
            interval = {"coverage": coverage, "lower": ends[0], "upper": ends[1]}
        step = familiarity(recipe, home.only(others), away.only(others), interval)
        factor = widening(away.distances[own], step["usual"], step["growth"])
        found[own, 2] = factor
        if interval is not None:
            found[own, :2] = np.outer(factor, ends)
    return found


def _loss(answers, factor, interval):
    """What doubt that grows so costs: a proper score over the left-out scanners."""
    outputs, targets = answers.outputs, answers.targets
    if interval is None:
        logs = log_softmax(outputs / factor[:, None], axis=1)
        return -np.mean(logs[np.arange(len(logs)), targets.astype(int)])
    low = outputs[:, 0] + factor * interval["lower"]
    high = outputs[:, 0] + factor * interval["upper"]
    missed = np.maximum(low - targets, 0) + np.maximum(targets - high, 0)
    return np.mean(high - low + 2 / (1 - interval["coverage"]) * missed)


def with_steps(recipe, steps):
    """Returns the recipe with what was measured in its postprocessing steps.

    A step "familiarity" that nothing was measured for is left out: its numbers would
    be made up.
    """
    return {
        **recipe,
        "postprocessing": [
            {**step, "arguments": {**step["arguments"], **steps[step["step"]]}}
            if steps.get(step["step"])
            else step
            for step in recipe["postprocessing"]
            if step["step"] != "familiarity" or steps["familiarity"]
        ],
    }


def write_out_of_scanner(path, recipe, answers, doubts, sources, *, cases):
    """Writes what each case is told by a readout that never saw its scanner.

    Args:
        path: path of the csv, replaced atomically.
        recipe: dict.
        answers: `_Answers`.
        doubts: `(cases, 3)` array of `doubts_by_others`.
        sources: list of str, the scanner of each case.
        cases: list of `Case`.
    """
    numbers = (
        ["prediction", "low", "high"]
        if recipe["task"] == "regression"
        else recipe["class_names"]
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case_id", "fold", "target", *numbers, "distance", *KNOWN])
    order = {name: number for number, name in enumerate(dict.fromkeys(sources))}
    for i, case in enumerate(cases):
        if recipe["task"] == "regression":
            value = float(answers.outputs[i, 0])
            ends = value + doubts[i, :2]
            row = [f"{float(n):.4f}" for n in (answers.targets[i], value, *ends)]
        else:
            row = [recipe["class_names"][int(answers.targets[i])]]
            row += [f"{p:.6f}" for p in softmax(answers.outputs[i] / doubts[i, 2])]
        row.append(f"{answers.distances[i]:.4f}")
        known = [case.columns.get(name, "") for name in KNOWN]
        writer.writerow([case.case_id, order[sources[i]], *row, *known])
    write_text_atomically(path, text.getvalue())


def _told(recipe, answers, targets, sources):
    """A line on each scanner that was left out, for the log."""
    parts = []
    for source in dict.fromkeys(sources):
        inside = np.array([s == source for s in sources])
        if recipe["task"] == "regression":
            off = answers[inside, 0] - targets[inside]
            said = f"error {np.abs(off).mean():.2f}, bias {off.mean():+.2f}"
        else:
            hits = answers[inside].argmax(1) == targets[inside]
            said = f"accuracy {hits.mean():.3f}"
        parts.append(f"{source} left out: {said} on {inside.sum()}")
    return "; ".join(parts)


def _subjects(cases):
    return [case.person for case in cases]
