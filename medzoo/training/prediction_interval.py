"""Prediction intervals from held-out errors."""

import numpy as np

from medzoo.errors import RecipeError


def error_bounds(residuals, coverage):
    """Returns the bounds `(low, high)` to add to a prediction.

    Split-conformal: the quantiles are taken a little further out, so that the
    coverage holds for finitely many errors.

    Args:
        residuals: `(cases,)` array, target minus prediction.
        coverage: float, in (0, 1).

    Raises:
        RecipeError: if there are too few errors for that coverage.

    Source:
        Lei et al., "Distribution-Free Predictive Inference for Regression" (2018).
    """
    ordered = np.sort(np.asarray(residuals, float))
    count = len(ordered)
    outside = errors_outside(count, coverage)
    if outside < 1:
        raise RecipeError(
            f"An interval of coverage {coverage} needs more cases. "
            f"Received: {count} errors. Add cases or lower the coverage."
        )
    return float(ordered[outside - 1]), float(ordered[count - outside])


def errors_outside(count, coverage):
    """Returns how many of so many errors lie beyond each end, 0 if there are too few.

    Args:
        count: int.
        coverage: float, in (0, 1).
    """
    # 1 - 0.9 is a little less than a tenth, and 19 errors are enough.
    return int(np.floor((1 - coverage) / 2 * (count + 1) + 1e-9))
