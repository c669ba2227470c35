"""A linear probe: what ridge regression can read off codes."""

import numpy as np

from medzoo.data.cases.splits import stratified_folds
from medzoo.training.ridge import ridge_regression

# Multiples of the codes' mean variance; the best in cross-validation is taken.
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
NUM_FOLDS = 5
SEED = 0


def probe(codes, targets, others, people=None):
    """Fits a ridge regression to codes and predicts others.

    The penalty is chosen by cross-validation among the codes that are fitted to.

    Args:
        codes: `(cases, latent_dim)` float array.
        targets: `(cases,)` float array.
        others: `(other cases, latent_dim)`.
        people: sequence of str, the person of each case of `codes`, who stays in one
            fold; None: each case is somebody else.

    Returns:
        `(other cases,)` float64, in the targets' unit.
    """
    errors = [
        np.square(_out_of_fold(codes, targets, people, penalty) - targets).sum()
        for penalty in PENALTIES
    ]
    return _predicted(codes, targets, others, PENALTIES[int(np.argmin(errors))])


def cross_validated(codes, targets, people=None):
    """Predicts every case by a probe that was fitted to the cases of other folds.

    Args:
        codes: `(cases, latent_dim)` float array.
        targets: `(cases,)` float array.
        people: as of `probe`.

    Returns:
        `(cases,)` float64.
    """
    people = _each_alone(targets) if people is None else np.asarray(people)
    predictions = np.empty(len(codes))
    for inside in _folds(targets, people):
        own = codes[~inside], targets[~inside]
        predictions[inside] = probe(*own, codes[inside], people[~inside])
    return predictions


def _out_of_fold(codes, targets, people, penalty):
    people = _each_alone(targets) if people is None else people
    predictions = np.empty(len(codes))
    for inside in _folds(targets, people):
        predictions[inside] = _predicted(
            codes[~inside], targets[~inside], codes[inside], penalty
        )
    return predictions


def _predicted(codes, targets, others, penalty):
    weights, constant = ridge_regression(codes, targets, penalty)
    return others @ weights + constant


def _each_alone(targets):
    return np.arange(len(targets))


def _folds(targets, people):
    # Between equal targets the order of the table decides, not what people are called.
    order = {person: number for number, person in enumerate(dict.fromkeys(people))}
    names = [f"{order[person]:06d}" for person in people]
    folds = np.array(stratified_folds(names, targets, NUM_FOLDS, SEED))
    return [folds == fold for fold in range(NUM_FOLDS)]
