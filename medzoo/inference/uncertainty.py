"""Uncertainty: how much an answer depends on what should not matter.

Asking for it never changes the answer itself.
"""

import numpy as np
from scipy.special import entr

from medzoo.errors import InputError
from medzoo.inference.engine import engine_of
from medzoo.inference.postprocess import answer_of_network, softmax
from medzoo.inference.spread import SHIFTS, shifted

# What each task offers besides the recipe's calibrated interval (None) and "none".
KINDS = {
    "regression": ("none", "tta", "ensemble"),
    "classification": ("none", "tta", "ensemble"),
    "segmentation": ("none", "entropy", "tta"),
    "reconstruction": ("none", "tta"),
    "super_resolution": ("none", "tta"),
}


def check_uncertainty(uncertainty, task):
    """Raises InputError for a kind of uncertainty that a task does not offer."""
    if uncertainty is not None and uncertainty not in KINDS[task]:
        raise InputError(
            f"`uncertainty` must be None or one of {KINDS[task]} for {task}. "
            f"Received: uncertainty={uncertainty!r}."
        )


def number_spread(kind, model, placed, preprocessor, recipe, *, engine_for=engine_of):
    """Returns how far the answers for one case differ.

    Args:
        kind: "ensemble", the answers of the members; or "tta", those for the scan
            moved by one voxel each way along each axis, and unmoved.
        model: a medzoo model.
        placed: Volume on the network's grid.
        preprocessor: `Preprocessor`.
        recipe: dict.
        engine_for: callable from a network to what runs it, see `engine_of`.

    Returns:
        float, a standard deviation: in the target's unit, or of the probability of
        the class that the mean probability is largest of.

    Raises:
        InputError: for "ensemble" of a model that is none.
    """
    array = placed.array
    if kind == "ensemble":
        members = getattr(model, "members", None)
        if members is None:
            raise InputError(
                "The spread of an ensemble needs one. Received: model="
                f"{type(model).__name__}. Use uncertainty='tta'."
            )
        x = preprocessor.normalize(array[None])
        answers = [
            answer_of_network(member, x, recipe, engine_for(member))
            for member in members
        ]
    else:
        versions = [array, *(shifted(array, shift) for shift in SHIFTS)]
        prepared = (preprocessor.normalize(version[None]) for version in versions)
        ask = engine_for(model)
        answers = [answer_of_network(model, x, recipe, ask) for x in prepared]
    if recipe["task"] == "classification":
        answers = [softmax(logits) for logits in answers]
    answers = np.asarray(answers, np.float64)
    return float(answers.std(axis=0)[answers.mean(axis=0).argmax()])


def entropy_of(shares):
    """Returns the entropy of probabilities, from 0 (sure) to 1 (all classes alike).

    Args:
        shares: `(..., classes)`.
    """
    return entr(shares).sum(axis=-1) / np.log(shares.shape[-1])
