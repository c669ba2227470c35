"""Measures of a classification."""

from typing import Any

import numpy as np

from medzoo.errors import InputError
from medzoo.metrics.calibration import expected_calibration_error
from medzoo.metrics.intervals import bootstrap, proportion
from medzoo.metrics.ranking import area_under_roc


def classification_metrics(
    target: Any, probabilities: Any, *, people: Any = None
) -> dict[str, Any]:
    """Measures predictions of a class.

    Args:
        target: `(cases,)` int, the index of the true class.
        probabilities: `(cases, classes)`, rows sum to 1.
        people: `(cases,)` the person of each case, or None: each is somebody else.

    Returns:
        dict of name -> `{"value", "ci95", "n"}`: accuracy (Wilson), balanced accuracy,
        Brier score, expected calibration error, and for two classes the area under the
        ROC curve (of the second).

    Raises:
        InputError: if there are no cases, or shapes differ.
    """
    target = np.asarray(target, int)
    probabilities = np.asarray(probabilities, float)
    if not target.size or probabilities.shape[:1] != target.shape:
        raise InputError(
            "Metrics need a target and probabilities for each of at least one case. "
            f"Received: {target.shape} and {probabilities.shape}."
        )
    answer = probabilities.argmax(-1)
    wanted = np.eye(probabilities.shape[1])[target]
    brier = np.square(probabilities - wanted).sum(-1)
    measured = {
        "accuracy": proportion(answer == target, people=people),
        "balanced_accuracy": bootstrap(
            balanced_accuracy, target, answer, people=people
        ),
        "brier_score": bootstrap(lambda b: b.mean(-1), brier, people=people),
        "expected_calibration_error": bootstrap(
            calibration_error, probabilities.max(-1), answer == target, people=people
        ),
    }
    if probabilities.shape[1] == 2:
        area = bootstrap(area_under_roc, target, probabilities[:, 1], people=people)
        measured["area_under_roc"] = area
    return measured


def calibration_error(confidence, correct):
    """`expected_calibration_error` over the last axis."""
    pairs = zip(
        confidence.reshape(-1, confidence.shape[-1]),
        correct.reshape(-1, correct.shape[-1]),
        strict=True,
    )
    found = np.array([expected_calibration_error(c, r) for c, r in pairs])
    return found.reshape(confidence.shape[:-1])


def balanced_accuracy(target, answer):
    """Mean over the classes present of the share found, over the last axis."""
    hits = target == answer
    shares = []
    for label in np.unique(target):
        inside = target == label
        count = inside.sum(-1)
        share = (hits & inside).sum(-1) / np.where(count, count, 1)
        shares.append(np.where(count, share, np.nan))
    return np.nanmean(np.stack(shares), axis=0)
