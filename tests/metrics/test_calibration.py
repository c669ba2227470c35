"""Calibration: known cases, and what a normal distribution promises."""

import numpy as np
import pytest

from medzoo.metrics.calibration import (
    covering_scale,
    error_detection,
    expected_calibration_error,
    spread_quality,
)


def test_expected_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, True, True, False])
    # Two bins: 0.95 against 1, and 0.55 against 0.5.
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.05)
    assert expected_calibration_error([1.0, 1.0], [True, False]) == pytest.approx(0.5)
    assert np.isnan(expected_calibration_error([], []))


def test_error_detection_is_the_area_under_the_curve():
    assert error_detection([0.9, 0.8, 0.1], np.array([True, True, False])) == 1
    assert error_detection([0.1, 0.9, 0.5], np.array([True, False, False])) == 0
    assert error_detection([0.3, 0.3], np.array([True, False])) == 0.5
    assert np.isnan(error_detection([0.3, 0.3], np.array([False, False])))


def test_errors_of_a_normal_distribution_are_covered_nine_times_in_ten():
    generator = np.random.default_rng(0)
    spread = generator.uniform(0.5, 3, 50_000)
    error = spread * generator.normal(size=50_000)

    right = spread_quality(error, spread)
    small = spread_quality(error, 0.3 * spread)

    assert right["coverage"] == pytest.approx(0.9, abs=0.01)
    assert right["rank_correlation"] > 0.3
    assert small["coverage"] < 0.5
    assert small["rank_correlation"] == right["rank_correlation"]
    assert np.isnan(spread_quality(error, np.ones(50_000))["rank_correlation"])


def test_covering_scale_makes_nine_errors_in_ten_lie_within():
    generator = np.random.default_rng(1)
    spread = generator.uniform(0.5, 3, 50_000)
    error = spread * generator.laplace(size=50_000)

    scale = covering_scale(error, 0.1 * spread)

    assert spread_quality(error, scale * 0.1 * spread)["coverage"] == pytest.approx(
        0.9, abs=1e-3
    )
