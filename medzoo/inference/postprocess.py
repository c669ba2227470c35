"""From a network's output to a result, as the recipe's postprocessing says."""

import numpy as np
from scipy.special import softmax as scipy_softmax

from medzoo.errors import InputError, RecipeError
from medzoo.inference.prediction import Prediction


def postprocess(output, recipe, common, *, uncertainty=None):
    """Makes a Prediction of one case's output, of a task that answers in numbers.

    Args:
        output: `(num_classes,)` float array: a value in the target's unit, or logits.
        recipe: dict, the recipe's content.
        common: dict, what every Prediction has: task, model, warnings.
        uncertainty: None for the recipe's calibrated interval, "none" for no interval.

    Returns:
        `Prediction`.

    Raises:
        InputError: if the output is not finite.
        RecipeError: for a task that has no postprocessing yet.
    """
    check_finite(output)
    check_uncertainty(uncertainty, ("none",))
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


def check_finite(output):
    """Raises InputError for an output that is not finite."""
    if not np.isfinite(output).all():
        shown = np.asarray(output).ravel()[:10].tolist()
        raise InputError(
            "The model must answer with finite numbers. "
            f"Received: output={shown}. Check the intensities."
        )


def check_uncertainty(uncertainty, known):
    """Raises InputError for a kind of uncertainty that a task does not offer."""
    if uncertainty is not None and uncertainty not in known:
        raise InputError(
            f"`uncertainty` must be None or one of {known} for this task. "
            f"Received: uncertainty={uncertainty!r}."
        )


def softmax(logits):
    """Returns the probabilities of `(num_classes,)` logits as a list of floats."""
    return scipy_softmax(np.asarray(logits, np.float64)).tolist()


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
