"""Targets and predictions of the same cases."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """Targets and predictions of the same cases.

    Args:
        target: `(cases,)` array: numbers, or class indices.
        prediction: `(cases,)` numbers, or `(cases, classes)` probabilities.
        low: `(cases,)` lower ends of the intervals, or None.
        high: `(cases,)` upper ends, or None.
        folds: list of int, or None where there are none.
        columns: list of dict, what else is known of each case (see
            `medzoo.data.cases.cohort`), or None.
        people: `(cases,)` the person of each case, or None where that is not known
            and each counts as somebody else.
    """

    target: np.ndarray
    prediction: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    folds: list | None = None
    columns: list | None = None
    people: np.ndarray | None = None

    def only(self, chosen):
        """Returns some of the cases, by mask or indices."""
        low, high, people = (
            None if a is None else a[chosen] for a in (self.low, self.high, self.people)
        )
        kept = self.target[chosen], self.prediction[chosen], low, high
        return Truth(*kept, people=people)
