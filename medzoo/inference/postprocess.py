"""From a network's output to a result, as the recipe's postprocessing says."""

import numpy as np

from medzoo.errors import InputError, RecipeError
from medzoo.inference.prediction import Prediction


def postprocess(output, recipe, *, uncertainty=None, warnings=()):
    """Makes a Prediction of one case's output.

    Args:
        output: `(num_classes,)` float array: a value in the target's unit, or logits.
        recipe: dict, the recipe's content.
        uncertainty: None for the recipe's calibrated interval, "none" for no interval.
        warnings: strings to hand on.

    Returns:
        `Prediction`.

    Raises:
        InputError: if the output is not finite.
        RecipeError: for a task that has no postprocessing yet.
    """
    if not np.isfinite(output).all():
        raise InputError(
            "The model must answer with finite numbers. "
            f"Received: output={np.asarray(output).tolist()}. Check the intensities."
        )
    if uncertainty not in (None, "none"):
        raise InputError(
            '`uncertainty` must be None (the recipe\'s interval) or "none". '
            f"Received: uncertainty={uncertainty!r}."
        )
    common = {
        "task": recipe["task"],
        "model": f"{recipe['name']}@{recipe['version']}",
        "warnings": tuple(warnings),
    }
    if recipe["task"] == "regression":
        value = float(output[0])
        interval = _interval(value, recipe) if uncertainty is None else None
        return Prediction(value=value, unit=recipe["unit"], interval=interval, **common)
    if recipe["task"] == "classification":
        probabilities = dict(zip(recipe["class_names"], softmax(output), strict=True))
        label = max(probabilities, key=probabilities.get)
        return Prediction(label=label, probabilities=probabilities, **common)
    raise RecipeError(
        "A task must be one that medzoo can postprocess. "
        f"Received: task={recipe['task']!r}."
    )


def softmax(logits):
    """Returns the probabilities of `(num_classes,)` logits as a list of floats."""
    shifted = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return [float(p) for p in shifted / shifted.sum()]


def step_arguments(recipe, name):
    """Returns the arguments of a postprocessing step, or None where it is absent."""
    for step in recipe.get("postprocessing", []):
        if step["step"] == name:
            return step.get("arguments", {})
    return None


def _interval(value, recipe):
    bounds = step_arguments(recipe, "interval")
    if bounds is None:
        return None
    return (value + bounds["lower"], value + bounds["upper"])
