"""Means over cases, as metrics.json has them."""

import numpy as np

from medzoo.metrics.intervals import bootstrap


def mean_over_cases(values, unit=None, *, people=None):
    """Returns the mean with its interval, bootstrapped over people.

    Args:
        values: sequence of float, one a case.
        unit: str or None, left out where there is none.
        people: sequence, the person of each case, or None: each is somebody else.

    Returns:
        dict `{"value", "ci95", "n"}`, and `"unit"` where there is one.
    """
    entry = bootstrap(
        lambda v: v.mean(axis=-1), np.asarray(values, float), people=people
    )
    return entry if unit is None else {**entry, "unit": unit}
