"""Calibration of the standard deviation of predicted images to their errors."""

import numpy as np

from medzoo.data.cases.splits import named_split
from medzoo.metrics.calibration import covering_scale
from medzoo.preprocess import Preprocessor
from medzoo.training.tasks import TASKS

STEP = "spread"
# Scans looked at: each has millions of voxels.
MOST_CASES = 6


def with_spread_scale(model, recipe, cases):
    """Returns the recipe with a "spread" step that fits the model's errors.

    Args:
        model: Keras model, trained.
        recipe: dict; returned as it is where the task predicts no spread.
        cases: list of `Case`; some of those that are not for validation are looked at.
    """
    if not TASKS[recipe["task"]].predicts_spread:
        return recipe
    plain = [step for step in recipe["postprocessing"] if step["step"] != STEP]
    recipe = {**recipe, "postprocessing": plain}
    inside = named_split(cases, recipe)[0]
    chosen = [cases[i] for i in inside[:: -(-len(inside) // MOST_CASES)]]
    preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
    task, scales = TASKS[recipe["task"]](recipe), []
    for case in chosen:
        placed, _ = preprocessor.place(preprocessor.gather(case.images))
        pair = task.errors_and_spread(model, placed, preprocessor)
        scales.append(covering_scale(*pair))
    step = {"step": STEP, "arguments": {"scale": round(float(np.mean(scales)), 3)}}
    return {**recipe, "postprocessing": [*plain, step]}
