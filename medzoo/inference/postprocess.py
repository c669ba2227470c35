"""The recipe's postprocessing of a network's output."""

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.engine import engine_of
from medzoo.inference.prediction import USUAL_COVERAGE


def check_finite(output):
    """Raises InputError for an output that is not finite."""
    if not np.isfinite(output).all():
        shown = np.asarray(output).ravel()[:10].tolist()
        raise InputError(
            "The model output must not contain NaN or Inf. "
            f"Received: output={shown}. Check the intensities."
        )


def softmax(logits):
    """Returns the probabilities of `(num_classes,)` logits as a list of floats."""
    from scipy import special

    return special.softmax(np.asarray(logits, np.float64)).tolist()


def output_of_network(model, x, recipe, engine=None):
    """Runs the network on one prepared case, mirrored too if the recipe has the step.

    Args:
        model: Keras model.
        x: `(1, x, y, z, channels)` float32.
        recipe: dict.
        engine: callable from a batch to the output, as `engine_of(model)` gives, which
            None stands for.

    Returns:
        `(num_classes,)` float32 array.
    """
    mirrored = step_arguments(recipe, "mirror")
    if mirrored is not None:
        # A head is symmetric: the mean over both sides errs less than either.
        x = np.concatenate([x, np.flip(x, 1 + mirrored["axis"])])
    return (engine or engine_of(model))(x).mean(axis=0)


def coverage_of(recipe):
    """Returns the coverage of the recipe's intervals, a float."""
    step = step_arguments(recipe, "interval") or {}
    return step.get("coverage", USUAL_COVERAGE)


def step_arguments(recipe, name):
    """Returns the arguments of a postprocessing step, or None where it is absent."""
    for step in recipe.get("postprocessing", []):
        if step["step"] == name:
            return step.get("arguments", {})
    return None
