"""How often cases of rare kinds are drawn."""

import numpy as np
import pytest

from medzoo.data.cases.balance import case_weights, draw_by_weight, read_balance
from medzoo.data.cases.case import Case
from medzoo.errors import RecipeError


def cases(sources):
    return [
        Case(str(i), {}, columns={"source": name} if name else {})
        for i, name in enumerate(sources)
    ]


def test_exponent_goes_from_as_they_are_to_all_groups_alike():
    table, targets = cases("aaaaaaaab"), [0] * 9
    for exponent, ratio in ((0, 1), (0.5, 8**0.5), (1, 8)):
        weights = case_weights(
            table, targets, {"balance": {"columns": ["source"], "exponent": exponent}}
        )
        assert weights[-1] / weights[0] == pytest.approx(ratio)
        assert weights.mean() == pytest.approx(1)


def test_groups_are_of_all_columns_and_the_target():
    table, targets = cases(["a", "a", "a", "", ""]), [0, 0, 1, 0, 1]
    balance = {"balance": {"columns": ["source", "target"]}}

    weights = case_weights(table, targets, balance)

    np.testing.assert_allclose(weights / weights[2], [0.5, 0.5, 1, 1, 1])
    assert case_weights(table, targets, {}) is None


def test_draws_are_as_even_as_whole_numbers_can_be():
    generator = np.random.default_rng(0)
    indices, weights = np.arange(10, 16), np.array([1, 1, 1, 1, 2.5, 5.5])
    counts = []
    for _ in range(2000):
        drawn = draw_by_weight(indices, weights, generator)
        assert len(drawn) == 6
        counts.append([np.sum(drawn == i) for i in indices])
    counts = np.array(counts)
    share = 6 * weights / weights.sum()

    np.testing.assert_allclose(counts.mean(0), share, atol=0.05)
    assert (np.abs(counts - share) < 1).all()


@pytest.mark.parametrize(
    "balance",
    [["source"], {"columns": []}, {"columns": ["a"], "exponent": 2}, {"by": "a"}],
)
def test_refuses_other_settings(balance):
    with pytest.raises(RecipeError, match="Received: balance="):
        read_balance({"balance": balance})
