"""95 % intervals: bootstrap over cases, Wilson for proportions."""

import math

import numpy as np

NUM_RESAMPLES = 2000
SEED = 0
# The two-sided 95 % quantile of the normal distribution.
Z95 = 1.959963984540054


def bootstrap(statistic, *arrays, digits=4):
    """Measures a statistic and its percentile interval over resampled cases.

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
    defined = math.isfinite(value) and len(values) > NUM_RESAMPLES // 2
    ends = np.percentile(values, [2.5, 97.5]) if defined else None
    return {
        "value": round(value, digits) if math.isfinite(value) else None,
        "ci95": None if ends is None else [round(float(e), digits) for e in ends],
        "n": count,
    }


def wilson(successes, count, *, digits=4):
    """Measures a proportion and its Wilson score interval.

    Args:
        successes: int.
        count: int, at least 1.
        digits: int, decimals kept.

    Returns:
        dict `{"value", "ci95", "n"}`.

    Source:
        Wilson, "Probable Inference, the Law of Succession" (1927).
    """
    share = successes / count
    denominator = 1 + Z95**2 / count
    middle = (share + Z95**2 / (2 * count)) / denominator
    half = Z95 / denominator
    half *= math.sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {
        "value": round(share, digits),
        "ci95": [round(low, digits), round(high, digits)],
        "n": count,
    }
