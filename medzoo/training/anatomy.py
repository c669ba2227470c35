"""Training of a readout of anatomy: features once, then closed forms."""

from pathlib import Path

import numpy as np

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.splits import stratified_folds
from medzoo.errors import InputError
from medzoo.models.from_recipe import build_model
from medzoo.training.anatomy_readout import ReadoutFitting
from medzoo.training.anatomy_samples import measured_samples
from medzoo.training.cross_validation import write_out_of_fold
from medzoo.training.measured_steps import with_steps
from medzoo.training.out_of_scanner import judge_by_scanners, sources_of
from medzoo.training.settings import TrainingSettings


def train_anatomy(recipe, prepared, targets, output, *, start, log):
    """Fits the readout of an `AnatomyReadout3D`, and measures it.

    Its body is not trained: it comes with the weights to start from. Besides the folds
    of the recipe's split whole sources are left out, one after the other, where the
    table has several: how good predictions are on a scanner that was never seen.

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
            "An anatomy readout needs a pretrained segmentation network. Received: no "
            "weights to start from. Use --fine-tune with a model that has them."
        )
    model = build_model({**recipe, "weights": None})
    model.load_weights(start)
    output = Path(output)
    samples = measured_samples(model, recipe, prepared, output / "features", log)
    targets = np.asarray(targets, np.float64)
    weights = case_weights(prepared.cases, targets, recipe["training"])
    weights = np.ones(len(targets)) if weights is None else np.asarray(weights)
    subjects = [case.person for case in prepared.cases]
    fitting = ReadoutFitting(recipe, samples, targets, weights, subjects)
    split = TrainingSettings.from_recipe(recipe).split
    folds = stratified_folds(subjects, targets, split["num_folds"], split["seed"])
    home = fitting.left_out(folds)
    interval = write_out_of_fold(
        output / "out_of_fold.csv", recipe, prepared.cases, targets, home.outputs, folds
    )
    sources = sources_of(prepared.cases)
    step = None
    if len(set(sources)) > 1:
        away = fitting.left_out(sources)
        step = judge_by_scanners(
            recipe, home, away, interval, prepared.cases, output, log
        )
    fitting(np.ones(len(targets), bool)).into(model)
    return model, with_steps(recipe, {"interval": interval, "familiarity": step})
