"""Balance: sampling weights that draw rare kinds of cases more often."""

from collections import Counter

import numpy as np

from medzoo.errors import RecipeError

TARGET = "target"


def read_balance(training):
    """Returns the columns and the exponent of a training section's `balance`, or None.

    Raises:
        RecipeError: for other keys, or an exponent that is not from 0 to 1.
    """
    balance = training.get("balance")
    if balance is None:
        return None
    known = {"columns", "exponent"}
    exponent = balance.get("exponent", 1.0) if isinstance(balance, dict) else None
    if (
        exponent is None
        or set(balance) - known
        or not balance.get("columns")
        or not 0 <= exponent <= 1
    ):
        raise RecipeError(
            "balance takes columns and an exponent from 0 to 1. "
            f"Received: balance={balance!r}."
        )
    return list(balance["columns"]), float(exponent)


def case_weights(cases, targets, training):
    """Returns the sampling weight of each case, or None for uniform sampling.

    Cases that agree in all columns of the `balance` setting are a group. A case
    weighs 1 over the size of its group, to the power of the exponent: 0 leaves things
    as they are, 1 draws all groups equally often.

    Args:
        cases: list of `Case`.
        targets: sequence of float or int, one a case; the column "target" means these.
        training: dict, a recipe's training section.

    Returns:
        `(cases,)` float64, 1 on average, or None.

    Source:
        Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the
        Wild" (2019), on data sets of very different sizes.
    """
    balance = read_balance(training)
    if balance is None:
        return None
    columns, exponent = balance
    groups = [
        tuple(
            target if name == TARGET else case.columns.get(name, "") for name in columns
        )
        for case, target in zip(cases, targets, strict=True)
    ]
    sizes = Counter(groups)
    weights = np.array([sizes[group] ** -exponent for group in groups])
    return weights / weights.mean()


def draw_by_weight(indices, weights, generator):
    """Draws as many indices as there are, in random order, by their weights.

    An index with a share of `s` comes `s * n` times, rounded up or down at random:
    less uneven than independent draws.

    Args:
        indices: `(n,)` array.
        weights: `(n,)` array of positive floats.
        generator: numpy random generator.

    Returns:
        `(n,)` array.

    Source:
        Systematic resampling, Madow and Madow (1944).
    """
    # In another order every time, or neighbours would never be drawn together.
    order = generator.permutation(len(indices))
    ends = np.cumsum(np.asarray(weights, float)[order])
    places = (np.arange(len(indices)) + generator.random()) / len(indices) * ends[-1]
    chosen = np.minimum(np.searchsorted(ends, places, side="right"), len(order) - 1)
    return generator.permutation(np.asarray(indices)[order[chosen]])
