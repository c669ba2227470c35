"""95 % intervals: bootstrap over people, Wilson for proportions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from medzoo.errors import InputError

NUM_RESAMPLES = 2000
SEED = 0


def bootstrap(
    statistic: Callable[..., Any], *arrays: Any, people: Any = None, digits: int = 4
) -> dict[str, Any]:
    """Returns a statistic and its bootstrap percentile interval over people.

    Args:
        statistic: callable; takes arrays `(..., cases)` and returns `(...)`.
        *arrays: `(cases,)` each, resampled together.
        people: `(cases,)` the person of each case, who is drawn with all cases that
            are theirs; None: each case is somebody else.
        digits: int, decimals kept.

    Returns:
        dict `{"value": float or None, "ci95": [low, high] or None, "n": int}`; None
        where the statistic is undefined (a correlation of one case).

    Raises:
        InputError: if `people` are not one a case.

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    arrays = [np.asarray(a, float) for a in arrays]
    count = len(arrays[0])
    own = _cases_of_people(people, count)
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(0, len(own), (NUM_RESAMPLES, len(own)))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(*arrays))
        if len(own) == count:
            values = np.asarray(statistic(*[a[drawn] for a in arrays]))
        else:
            chosen = (np.concatenate([own[i] for i in row]) for row in drawn)
            # One by one: the cases of a resample are more or fewer.
            values = np.array([statistic(*[a[c] for a in arrays]) for c in chosen])
    # A resample may hold one case many times: its correlation is undefined.
    values = values[np.isfinite(values)]
    # Of a single person nothing is known of others.
    defined = len(own) > 1 and math.isfinite(value) and len(values) > NUM_RESAMPLES // 2
    ends = np.percentile(values, [2.5, 97.5]) if defined else None
    return {
        "value": round(value, digits) if math.isfinite(value) else None,
        "ci95": None if ends is None else [round(float(e), digits) for e in ends],
        "n": count,
    }


def proportion(hits: Any, *, people: Any = None, digits: int = 4) -> dict[str, Any]:
    """Returns the share of cases that are hits and its Wilson score interval.

    Args:
        hits: `(cases,)` bool.
        people: as of `bootstrap`. Several cases of one person count as one in the
            width of the interval: how alike they are is not known.
        digits: int, decimals kept.

    Returns:
        dict `{"value", "ci95", "n"}`.
    """
    hits = np.asarray(hits, bool)
    independent = len(_cases_of_people(people, hits.size))
    if independent == hits.size:
        return wilson(int(hits.sum()), hits.size, digits=digits)
    share = float(hits.mean())
    # Wilson's formula, of a share that need not be one of so many people.
    ratio = 1.959964**2 / independent
    middle = (share + ratio / 2) / (1 + ratio)
    half = math.sqrt(ratio * (share * (1 - share) + ratio / 4)) / (1 + ratio)
    ends = (max(0.0, middle - half), min(1.0, middle + half))
    return {
        "value": round(share, digits),
        "ci95": [round(end, digits) for end in ends],
        "n": hits.size,
    }


def _cases_of_people(people, count):
    """The cases of each person, in the order of the table, list of int arrays."""
    if people is None:
        return [np.array([case]) for case in range(count)]
    if len(people) != count:
        raise InputError(
            "`people` must name the person of each case. Received: "
            f"{len(people)} people for {count} cases. Give one a case."
        )
    own = {}
    for case, person in enumerate(people):
        own.setdefault(person, []).append(case)
    return [np.array(cases) for cases in own.values()]


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
