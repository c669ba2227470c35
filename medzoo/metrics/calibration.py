"""Calibration of uncertainty estimates."""

import numpy as np
from scipy.stats import spearmanr

from medzoo.metrics.ranking import area_under_roc

NUM_BINS = 10
# Of a normal distribution 90 % lie within so many standard deviations.
Z90 = 1.6448536269514722
# Voxels that ranks are taken of: enough for two digits.
MOST_RANKED = 200_000


def expected_calibration_error(confidence, correct, num_bins=NUM_BINS):
    """Expected calibration error (ECE).

    Args:
        confidence: `(n,)` array, the probability of each prediction, in [0, 1].
        correct: `(n,)` bool array.
        num_bins: int, of equal width.

    Returns:
        float in [0, 1]; NaN of nothing.

    Source:
        Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning"
        (2015).
    """
    confidence = np.asarray(confidence, np.float64).ravel()
    correct = np.asarray(correct, np.float64).ravel()
    if not confidence.size:
        return float("nan")
    place = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    sure = np.bincount(place, confidence, num_bins)
    right = np.bincount(place, correct, num_bins)
    return float(np.abs(sure - right).sum() / confidence.size)


def error_detection(uncertainty, wrong):
    """Probability that a wrong prediction is less certain than a correct one (AUROC).

    Args:
        uncertainty: `(n,)` array, larger where less certain.
        wrong: `(n,)` bool array.

    Returns:
        float, the area under the ROC curve; NaN where nothing or all is wrong.
    """
    uncertainty, wrong = _thinned(uncertainty, wrong)
    if wrong.all() or not wrong.any():
        return float("nan")
    return float(area_under_roc(wrong, uncertainty))


def spread_quality(error, spread):
    """How far errors are those that standard deviations promise.

    Args:
        error: `(n,)` array.
        spread: `(n,)` array of standard deviations in the same unit.

    Returns:
        dict: `coverage`, the share of errors within the 90 % interval of a normal
        distribution, and `rank_correlation` of the size of errors with the spread
        (NaN where either is constant).
    """
    size = np.abs(error)
    coverage = float((size <= Z90 * spread).mean())
    pair = _thinned(size, spread)
    varies = all(np.ptp(values) > 0 for values in pair)
    correlation = float(spearmanr(*pair).statistic) if varies else float("nan")
    return {"coverage": coverage, "rank_correlation": correlation}


def covering_scale(error, spread):
    """Returns what deviations are multiplied by so that 90 % of errors are covered.

    Args:
        error: `(n,)` array.
        spread: `(n,)` array of standard deviations, not all 0.
    """
    size, spread = np.abs(error).ravel(), np.asarray(spread, np.float64).ravel()
    # Where nothing varies no multiple would do.
    ratio = size / np.maximum(spread, 1e-6 * spread.max())
    return float(np.percentile(ratio, 90) / Z90)


def _thinned(*arrays):
    flat = [np.asarray(array).ravel() for array in arrays]
    step = max(1, len(flat[0]) // MOST_RANKED)
    return [array[::step] for array in flat]
