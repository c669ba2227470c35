"""What several models ask of one network is computed once."""

import numpy as np
import pytest

from medzoo.inference.settings import Settings
from medzoo.inference.shared_answers import KEPT, SharedAnswers

RECIPE = {"name": "tissue", "version": "1.0", "weights": {"sha256": "a"}}


@pytest.fixture
def asked():
    """Shared answers, and a function that asks and tells whether they computed."""
    answers, made = SharedAnswers(), []

    def ask(x, recipe=RECIPE, settings=None):
        made.clear()

        def compute():
            made.append(x)
            return (x[..., 0] > 0).astype(np.uint8)

        labels = answers.labels(recipe, settings or Settings(), x, compute)
        return labels, bool(made)

    return ask


def test_the_same_input_is_asked_once(asked):
    x = np.random.default_rng(0).normal(size=(4, 5, 6, 1)).astype(np.float32)
    first, computed = asked(x)
    again, computed_again = asked(x.copy())
    assert (computed, computed_again) == (True, False)
    np.testing.assert_array_equal(first, again)
    with pytest.raises(ValueError, match="read-only"):
        again[0, 0, 0] = 1


def test_whatever_decides_the_answer_makes_another(asked):
    x = np.ones((2, 3, 4, 1), np.float32)
    asked(x)
    other = x.copy()
    other[0, 0, 0] = np.nextafter(np.float32(1), np.float32(2))
    assert asked(other)[1]
    assert asked(x.reshape(4, 3, 2, 1))[1]
    assert asked(x, {**RECIPE, "weights": {"sha256": "b"}})[1]
    assert asked(x, {**RECIPE, "version": "2.0"})[1]


def test_the_last_are_kept(asked):
    inputs = [np.full((2, 2, 2, 1), i, np.float32) for i in range(KEPT + 1)]
    for x in inputs:
        asked(x)
    assert not asked(inputs[-1])[1]
    assert asked(inputs[0])[1]
