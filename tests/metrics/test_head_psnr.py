"""PSNR over the head against closed forms."""

import numpy as np
import pytest

from medzoo.metrics.head_psnr import head_mask, head_psnr


def ball(radius=6.0, hole=2.0):
    index = np.stack(np.indices((20, 20, 20)), -1) - 9.5
    distance = np.linalg.norm(index, axis=-1)
    return np.where((distance < radius) & (distance > hole), 100.0, 0.0), distance


def test_the_head_is_what_is_bright_and_what_that_encloses():
    fine, distance = ball()

    np.testing.assert_array_equal(head_mask(fine), distance < 6)
    assert head_mask(np.zeros((2, 3, 4))).all()


def test_only_errors_inside_count_and_the_range_is_that_of_the_truth():
    fine, _ = ball()
    mask = head_mask(fine)

    # 100 / 10: 20 dB.
    assert head_psnr(fine, fine + 10, mask) == pytest.approx(20)
    assert head_psnr(fine, np.where(mask, fine, 50), mask) == np.inf
    # Integer images do not wrap around.
    dark = np.zeros((2, 2, 2), np.uint8)
    dark[0] = 200
    assert head_psnr(dark, 220.0 - dark, np.ones(dark.shape, bool)) == pytest.approx(
        10 * np.log10(200**2 / ((180**2 + 220**2) / 2))
    )
