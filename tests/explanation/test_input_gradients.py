"""Gradients in the input, against finite differences."""

import numpy as np
import pytest

from medzoo.explanation.answer import Answer
from medzoo.explanation.input_gradients import BATCH, InputGradients


@pytest.fixture(scope="module")
def gradients(age_model):
    return InputGradients(age_model, Answer("years", mirror=0))


def points(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (count, 4, 4, 4, 5)).astype(np.float32)


def test_the_answer_is_the_mean_over_both_sides(gradients, age_model):
    x = points(3)

    own, mirrored = (age_model.predict(v, verbose=0)[:, 0] for v in (x, x[:, ::-1]))

    np.testing.assert_allclose(gradients.answers(x), (own + mirrored) / 2, atol=1e-3)


def test_a_gradient_is_the_slope_along_any_direction(gradients):
    x, direction = points(1)[0], points(1, seed=5)[0]
    step = 1e-2

    slope = (gradients(x[None])[0] * direction).sum()

    ends = gradients.answers(np.stack([x - step * direction, x + step * direction]))
    assert slope == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.02)


def test_more_points_than_a_batch_come_back_in_order(gradients):
    x = points(BATCH + 3)

    together = gradients(x)

    assert together.shape == x.shape
    np.testing.assert_allclose(together[-1], gradients(x[-1:])[0], rtol=1e-4, atol=1e-6)


def test_shuffled_weights_have_other_gradients(age_model):
    own = InputGradients(age_model, Answer("years", mirror=0))
    x = points(1)
    before = own(x)

    own.randomise()

    after = own(x)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] < 0.5


def test_the_log_odds_are_those_of_the_softmax(sex_model):
    x = points(2)
    answer = Answer("log-odds", place=1, name="male", widened=2.0)

    found = InputGradients(sex_model, answer).answers(x)

    logits = sex_model.predict(x, verbose=0) / 2
    np.testing.assert_allclose(found, logits[:, 1] - logits[:, 0], atol=1e-4)
    shares = np.exp(logits)[:, 1] / np.exp(logits).sum(1)
    np.testing.assert_allclose(answer.told(found), shares, atol=1e-5)
