"""95 % intervals: bootstrap over cases, Wilson for proportions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

NUM_RESAMPLES = 2000
SEED = 0


def bootstrap(
    statistic: Callable[..., Any], *arrays: Any, digits: int = 4
) -> dict[str, Any]:
    """Returns a statistic and its bootstrap percentile interval over cases.

    Args:
        statistic: callable; takes arrays `(..., cases)` and returns `(...)`.
        *arrays: `(cases,)` each, resampled together.
        digits: int, decimals kept.

    Returns:
        dict `{"value": float or None, "ci95": [low, high] or None, "n": int}`; None
        where the statistic is undefined (a correlation of one case).

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    arrays = [np.asarray(a, float) for a in arrays]
    count = len(arrays[0])
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(0, count, (NUM_RESAMPLES, count))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(*arrays))
        values = np.asarray(statistic(*[a[drawn] for a in arrays]))
    # A resample may hold one case many times: its correlation is undefined.
    values = values[np.isfinite(values)]
    # Of a single case nothing is known of others.
    defined = count > 1 and math.isfinite(value) and len(values) > NUM_RESAMPLES // 2
    ends = np.percentile(values, [2.5, 97.5]) if defined else None
    return {
        "value": round(value, digits) if math.isfinite(value) else None,
        "ci95": None if ends is None else [round(float(e), digits) for e in ends],
        "n": count,
    }


def wilson(successes: int, count: int, *, digits: int = 4) -> dict[str, Any]:
    """Returns a proportion and its Wilson score interval.

    Args:
        successes: int.
        count: int, at least 1.
        digits: int, decimals kept.

    Returns:
        dict `{"value", "ci95", "n"}`.

    Source:
        Wilson, "Probable Inference, the Law of Succession" (1927).
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, count).proportion_ci(method="wilson")
    return {
        "value": round(successes / count, digits),
        "ci95": [round(float(end), digits) for end in interval],
        "n": count,
    }
