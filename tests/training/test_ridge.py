"""Ridge regression and the calibrated classification that is made of it."""

import numpy as np
import pytest
from scipy.special import expit

from medzoo.training.ridge import ridge_classification, ridge_regression


def test_ridge_regression_solves_the_penalised_normal_equations():
    generator = np.random.default_rng(0)
    samples = generator.normal(size=(30, 6)) + 5
    targets = samples @ np.arange(6.0) + generator.normal(size=30)

    weights, constant = ridge_regression(samples, targets, 0.2)

    centred = samples - samples.mean(0)
    penalty = 0.2 * (centred**2).sum() / 30
    system = centred.T @ centred + penalty * np.eye(6)
    expected = np.linalg.solve(system, centred.T @ (targets - targets.mean()))
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert np.mean(samples @ weights + constant) == pytest.approx(targets.mean())


def test_ridge_regression_of_equal_samples_is_the_mean():
    weights, constant = ridge_regression(np.ones((4, 3)), [1, 2, 3, 4], 0.1)

    np.testing.assert_array_equal(weights, 0)
    assert constant == 2.5


def test_weights_of_ridge_regression_are_repetitions():
    generator = np.random.default_rng(3)
    samples = generator.normal(size=(6, 9))
    targets = generator.normal(size=(6, 2))
    times = np.array([1, 3, 1, 2, 1, 4])

    found = ridge_regression(samples, targets, 0.2, times)

    repeated = np.repeat(samples, times, 0), np.repeat(targets, times, 0)
    # Errors are a sum over samples, of which there are more now.
    expected = ridge_regression(*repeated, 0.2 * times.sum() / len(samples))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def classes_by_chance(count, features=40, seed=0):
    """Samples whose first feature is the logit of the second class."""
    generator = np.random.default_rng(seed)
    samples = generator.normal(size=(count, features)).astype("float32")
    samples[:, 0] *= 2
    labels = (generator.random(count) < expit(samples[:, 0])).astype(int)
    return samples, labels


def test_probabilities_of_unseen_samples_hold_as_often_as_they_say():
    samples, labels = classes_by_chance(400)
    found, constant = ridge_classification(samples, np.eye(2)[labels], 0.1, range(400))
    unseen, truth = classes_by_chance(4000, seed=1)

    logits = unseen @ found + constant
    p = expit(logits[:, 1] - logits[:, 0])

    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)):
        inside = (p >= low) & (p < high)
        assert inside.sum() > 200
        assert truth[inside].mean() == pytest.approx(p[inside].mean(), abs=0.08)


def test_samples_of_one_subject_are_left_out_together():
    # Labels are noise: only a subject's other samples could tell them.
    generator = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 5)
    samples = generator.normal(size=(40, 300))[subjects]
    samples = samples + 0.01 * generator.normal(size=samples.shape)
    classes = np.eye(2)[generator.integers(0, 2, 40)[subjects]]

    apart, _ = ridge_classification(samples, classes, 1e-3, subjects)
    mixed, _ = ridge_classification(samples, classes, 1e-3, range(200))

    assert np.abs(apart).max() < 0.5 * np.abs(mixed).max()
