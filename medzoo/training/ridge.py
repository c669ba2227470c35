"""Ridge regression with many more features than samples, and its calibration."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# Logarithm of the factor between scores and logits that is looked for.
LOG_FACTORS = (-3.0, 5.0)
NUM_GROUPS = 5


def solve_ridge(products, moments, penalty, weights=None):
    """Solves the linear system of a ridge regression, in its primal or dual form.

    Args:
        products: `(n, n)` float64: of the features with each other (primal), or of the
            samples (dual).
        moments: `(n, ...)` float64: products of features and targets, or targets.
        penalty: float, times the mean of the products' diagonal.
        weights: `(n,)` positive floats or None, in the dual form what each error
            counts.

    Returns:
        `(n, ...)` float64; zeros where all products are 0.

    Source:
        Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal
        Problems" (1970); Saunders et al., "Ridge Regression Learning Algorithm in Dual
        Variables" (1998).
    """
    count = len(products)
    shares = np.full(count, 1 / count) if weights is None else weights / weights.sum()
    size = shares @ products.diagonal()
    if not size > 0:
        return np.zeros_like(moments, dtype=np.float64)
    added = np.diag(penalty * size / (shares * count))
    return np.linalg.solve(products + added, moments)


def ridge_regression(samples, targets, penalty, weights=None):
    """Solves a ridge regression in its dual form.

    Args:
        samples: `(samples, features)` float array.
        targets: `(samples,)` or `(samples, outputs)` float array.
        penalty: float, times the mean squared distance of samples from their mean.
        weights: `(samples,)` positive floats or None, what each error counts.

    Returns:
        `(features,)` or `(features, outputs)` float64 coefficients, and the constant,
        a float or `(outputs,)`, that is not penalised: `samples @ coefficients +
        constant` are the predictions.
    """
    targets = np.asarray(targets, np.float64)
    weights = np.ones(len(targets)) if weights is None else np.asarray(weights, float)
    shares = weights / weights.sum()
    # Summed in double precision, without a copy of all samples in it.
    mean = np.einsum("n,nf->f", shares, samples)
    middle = shares @ targets
    centred = samples - mean.astype(samples.dtype)
    products = (centred @ centred.T).astype(np.float64)
    dual = solve_ridge(products, targets - middle, penalty, weights)
    coefficients = (centred.T @ dual.astype(samples.dtype)).astype(np.float64)
    return coefficients, middle - mean @ coefficients


def ridge_classification(samples, classes, penalty, groups, weights=None):
    """Fits logits that are linear in the samples, and calibrated.

    Every class is regressed as 0 or 1. What scores must be multiplied by to be logits
    is what makes those of left-out groups most likely: of samples that were fitted,
    scores are too sure.

    Args:
        samples: `(samples, features)` float array.
        classes: `(samples, classes)` float array, one-hot.
        penalty: float, see `ridge_regression`.
        groups: sequence, the subject of each sample: all of one are left out together.
        weights: `(samples,)` positive floats or None.

    Returns:
        `(features, classes)` float64 coefficients and `(classes,)` constants of logits.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks" (2017), on one factor
        for all logits.
    """
    weights = np.ones(len(samples)) if weights is None else np.asarray(weights, float)
    scores = np.empty(np.shape(classes))
    number = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    deal = np.random.default_rng(0).permutation(len(number)) % NUM_GROUPS
    part = np.array([deal[number[group]] for group in groups])
    for out in np.unique(part):
        kept = part != out
        found, constant = ridge_regression(
            samples[kept], classes[kept], penalty, weights[kept]
        )
        scores[~kept] = samples[~kept] @ found + constant
    factor = _likeliest_factor(scores, classes, weights)
    found, constant = ridge_regression(samples, classes, penalty, weights)
    return factor * found, factor * constant


def _likeliest_factor(scores, classes, weights):
    def loss(log_factor):
        logs = log_softmax(np.exp(log_factor) * scores, axis=1)
        return -np.average((classes * logs).sum(1), weights=weights)

    return float(np.exp(minimize_scalar(loss, bounds=LOG_FACTORS).x))
