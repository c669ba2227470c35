"""Integrated gradients of functions whose attributions are known."""

import numpy as np
import pytest

from medzoo.explanation.path_integral import integrated_gradients


def test_two_factors_share_their_product():
    # f = x y has the gradient (y, x): each factor gets half of the product.
    found = integrated_gradients(
        lambda points: points[:, ::-1], np.zeros(2), np.array([3.0, 4.0]), 4
    )

    np.testing.assert_allclose(found, [6, 6], rtol=1e-6)


def test_a_linear_function_gives_weight_times_way():
    weights = np.array([1.0, -2.0, 0.5])

    found = integrated_gradients(
        lambda points: np.broadcast_to(weights, points.shape),
        np.ones(3),
        np.array([2.0, 3.0, 1.0]),
        1,
    )

    np.testing.assert_allclose(found, [1, -4, 0])


@pytest.mark.parametrize(("steps", "error"), [(2, 0.3), (64, 1e-6)])
def test_more_steps_come_nearer(steps, error):
    found = integrated_gradients(
        lambda points: np.exp(points), np.zeros(1), np.array([4.0]), steps
    )

    exact = np.exp(4) - 1
    assert abs(found[0] / exact - 1) < error
    assert (abs(found[0] / exact - 1) > 1e-4) == (steps == 2)
