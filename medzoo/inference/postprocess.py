"""From a network's output to a result, as the recipe's postprocessing says."""

import numpy as np
from scipy.special import softmax as scipy_softmax

from medzoo.errors import InputError, RecipeError
from medzoo.inference.engine import engine_of
from medzoo.inference.prediction import Prediction


def postprocess(output, recipe, common, *, interval=True, spread=None, widened=1.0):
    """Makes a Prediction of one case's output, of a task that answers in numbers.

    Args:
        output: `(num_classes,)` float array: a value in the target's unit, or logits.
        recipe: dict, the recipe's content.
        common: dict, what every Prediction has: task, model, warnings.
        interval: bool, whether to give the recipe's calibrated interval, if it has one.
        spread: float or None, the prediction's uncertainty.
        widened: float, what the interval is multiplied by, and logits divided by, for
            a scan that is unlike those the model knows.

    Returns:
        `Prediction`.

    Raises:
        InputError: if the output is not finite.
        RecipeError: for a task that has no postprocessing yet.
    """
    check_finite(output)
    common = {**common, "uncertainty": spread}
    if recipe["task"] == "regression":
        value = float(output[0])
        bounds = _interval(value, recipe, widened) if interval else None
        return Prediction(value=value, unit=recipe["unit"], interval=bounds, **common)
    if recipe["task"] == "classification":
        probabilities = dict(
            zip(
                recipe["class_names"],
                softmax(np.asarray(output) / widened),
                strict=True,
            )
        )
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


def softmax(logits):
    """Returns the probabilities of `(num_classes,)` logits as a list of floats."""
    return scipy_softmax(np.asarray(logits, np.float64)).tolist()


def answer_of_network(model, x, recipe, engine=None):
    """Runs the network on one prepared case, mirrored too if the recipe says so.

    Args:
        model: Keras model.
        x: `(1, x, y, z, channels)` float32.
        recipe: dict.
        engine: callable from a batch to the answer, as `engine_of(model)` gives, which
            None stands for.

    Returns:
        `(num_classes,)` float32 array.
    """
    mirrored = step_arguments(recipe, "mirror")
    if mirrored is not None:
        # A head is symmetric: the mean over both sides errs less than either.
        x = np.concatenate([x, np.flip(x, 1 + mirrored["axis"])])
    return (engine or engine_of(model))(x).mean(axis=0)


def step_arguments(recipe, name):
    """Returns the arguments of a postprocessing step, or None where it is absent."""
    for step in recipe.get("postprocessing", []):
        if step["step"] == name:
            return step.get("arguments", {})
    return None


def _interval(value, recipe, widened):
    bounds = step_arguments(recipe, "interval")
    if bounds is None:
        return None
    return (value + widened * bounds["lower"], value + widened * bounds["upper"])
