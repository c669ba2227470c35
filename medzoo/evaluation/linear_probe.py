"""A linear probe: what ridge regression can read off codes."""

import numpy as np

from medzoo.data.cases.splits import stratified_folds
from medzoo.training.ridge import ridge_regression

# Multiples of the codes' mean variance; the best in cross-validation is taken.
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
NUM_FOLDS = 5
SEED = 0


def probe(codes, targets, others):
    """Fits a ridge regression to codes and predicts others.

    The penalty is chosen by cross-validation among the codes that are fitted to.

    Args:
        codes: `(cases, latent_dim)` float array.
        targets: `(cases,)` float array.
        others: `(other cases, latent_dim)`.

    Returns:
        `(other cases,)` float64, in the targets' unit.
    """
    errors = [
        np.square(_out_of_fold(codes, targets, penalty) - targets).sum()
        for penalty in PENALTIES
    ]
    return _predicted(codes, targets, others, PENALTIES[int(np.argmin(errors))])


def cross_validated(codes, targets):
    """Predicts every case by a probe that was fitted to the cases of other folds.

    Args:
        codes: `(cases, latent_dim)` float array.
        targets: `(cases,)` float array.

    Returns:
        `(cases,)` float64.
    """
    predictions = np.empty(len(codes))
    for inside in _folds(targets):
        predictions[inside] = probe(codes[~inside], targets[~inside], codes[inside])
    return predictions


def _out_of_fold(codes, targets, penalty):
    predictions = np.empty(len(codes))
    for inside in _folds(targets):
        predictions[inside] = _predicted(
            codes[~inside], targets[~inside], codes[inside], penalty
        )
    return predictions


def _predicted(codes, targets, others, penalty):
    weights, constant = ridge_regression(codes, targets, penalty)
    return others @ weights + constant


def _folds(targets):
    # Every case is a subject of its own here.
    names = [f"{number:06d}" for number in range(len(targets))]
    folds = np.array(stratified_folds(names, targets, NUM_FOLDS, SEED))
    return [folds == fold for fold in range(NUM_FOLDS)]
