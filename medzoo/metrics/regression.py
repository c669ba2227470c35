"""Regression metrics, in the target's unit."""

from typing import Any

import numpy as np

from medzoo.errors import InputError
from medzoo.metrics.intervals import bootstrap, proportion


def mean_absolute_error(target, prediction):
    """Mean of the absolute differences over the last axis."""
    return np.abs(prediction - target).mean(-1)


def median_absolute_error(target, prediction):
    """Median of the absolute differences over the last axis."""
    return np.median(np.abs(prediction - target), -1)


def root_mean_squared_error(target, prediction):
    """Root of the mean squared difference over the last axis."""
    return np.sqrt(np.square(prediction - target).mean(-1))


def mean_error(target, prediction):
    """Mean of prediction minus target over the last axis: the bias."""
    return (prediction - target).mean(-1)


def correlation(target, prediction):
    """Pearson correlation over the last axis; NaN where either is constant."""
    target, prediction = _centred(target), _centred(prediction)
    product = (target * prediction).sum(-1)
    return product / np.sqrt((target**2).sum(-1) * (prediction**2).sum(-1))


def r_squared(target, prediction):
    """Coefficient of determination over the last axis; NaN for a constant target."""
    residual = np.square(prediction - target).sum(-1)
    return 1 - residual / np.square(_centred(target)).sum(-1)


def error_slope(target, prediction):
    """Slope of prediction minus target against the target, over the last axis.

    0 is unbiased; -1 is a constant prediction. Age regressions are biased towards
    the mean: below 0.
    """
    centred = _centred(target)
    return ((prediction - target) * centred).sum(-1) / np.square(centred).sum(-1)


def regression_metrics(
    target: Any,
    prediction: Any,
    low: Any = None,
    high: Any = None,
    *,
    unit: str | None = None,
    people: Any = None,
) -> dict[str, Any]:
    """Returns all metrics of a regression.

    Args:
        target: `(cases,)` true values.
        prediction: `(cases,)`.
        low: `(cases,)` lower ends of the prediction intervals, or None.
        high: `(cases,)` upper ends, or None.
        unit: str or None, of the target.
        people: `(cases,)` the person of each case, or None: each is somebody else.

    Returns:
        dict of name -> `{"value", "ci95", "n"}`, with "unit" where it has one.

    Raises:
        InputError: if there are no cases.
    """
    target, prediction = np.asarray(target, float), np.asarray(prediction, float)
    if not target.size or target.shape != prediction.shape:
        raise InputError(
            "Metrics need a target and a prediction for each of at least one case. "
            f"Received: {target.shape} and {prediction.shape}."
        )
    with_unit = {
        "mean_absolute_error": mean_absolute_error,
        "median_absolute_error": median_absolute_error,
        "root_mean_squared_error": root_mean_squared_error,
        "mean_error": mean_error,
    }
    without = {
        "correlation": correlation,
        "r_squared": r_squared,
        "error_slope_against_target": error_slope,
    }
    measured = {}
    for name, statistic in {**with_unit, **without}.items():
        measured[name] = bootstrap(statistic, target, prediction, people=people)
        if unit and name in with_unit:
            measured[name]["unit"] = unit
    if low is not None:
        low, high = np.asarray(low, float), np.asarray(high, float)
        held = (low <= target) & (target <= high)
        measured["interval_coverage"] = proportion(held, people=people)
        width = bootstrap(lambda w: w.mean(-1), high - low, people=people)
        measured["interval_width"] = width
        if unit:
            measured["interval_width"]["unit"] = unit
    return measured


def _centred(values):
    """Distances from the mean; NaN where all are one value, whose mean may round."""
    constant = np.ptp(values, axis=-1, keepdims=True) == 0
    return np.where(constant, np.nan, values - values.mean(-1, keepdims=True))
