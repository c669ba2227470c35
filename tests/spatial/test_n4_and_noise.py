"""Bias field and noise: what was put in comes out again."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.spatial.n4 import bias_field, field_range, n4
from medzoo.spatial.noise import denoise, noise_level


def field_of(head, strength):
    """A field of `strength` from its darkest to its brightest place in the head."""
    index = np.stack(np.indices(head.shape), -1)
    world = index @ head.affine[:3, :3].T + head.affine[:3, 3]
    wave = np.sin(world[..., 0] / 70) + 0.5 * np.cos(world[..., 1] / 60)
    inside = head.array > 30
    low, high = wave[inside].min(), wave[inside].max()
    return 1 + strength * ((wave - low) / (high - low) - 0.5)


@pytest.mark.parametrize(
    "spacing", [4.0, pytest.param((3.0, 5.0, 4.0), marks=pytest.mark.extended)]
)
def test_a_field_of_40_percent_is_brought_below_6(head_phantom, spacing):
    head = head_phantom(spacing, field=(140, 180, 170), skull=False)
    field = field_of(head, 0.4)
    white = head.array > 158
    before = np.percentile(field[white], (2, 98))
    assert before[1] / before[0] - 1 > 0.2
    # On a phantom of few intensities the mask has to be of one tissue.
    mask = head.with_array(head.array > 140)
    found = n4(head.with_array(head.array * field), mask).array
    low, high = np.percentile((found / np.maximum(head.array, 1))[white], (2, 98))
    assert high / low - 1 < 0.06


def test_the_range_of_a_field_is_told(head_phantom):
    head = head_phantom(6.0, skull=False)
    bright = head.with_array(head.array * field_of(head, 0.6))
    # Near enough in a fifth of the usual iterations.
    found = bias_field(bright, iterations=(20, 20, 20))
    inside = head.with_array(head.array > 30)
    assert 0.3 < field_range(found, inside) < 1.2
    assert field_range(head.with_array(np.ones(head.shape))) == 0


def test_a_mask_says_where_the_field_is_estimated(head_phantom):
    head = head_phantom(6.0)
    mask = head.with_array((head.array > 90) & (head.array < 170))
    assert n4(head, mask, iterations=(5,)).array.shape == head.shape
    moved = np.array(head.affine)
    moved[0, 3] += 1000
    with pytest.raises(InputError, match="where the mask is"):
        n4(head, mask.with_affine(moved))


def test_constant_scans_and_several_channels_are_refused(head_phantom):
    head = head_phantom(8.0)
    with pytest.raises(InputError, match="constant"):
        n4(head.with_array(np.ones(head.shape)))
    with pytest.raises(InputError, match="one channel"):
        n4(head.with_array(np.zeros((*head.shape, 2))))
    with pytest.raises(InputError, match="finite"):
        denoise(head.with_array(np.full(head.shape, np.nan)))


@pytest.mark.parametrize("sigma", [3.0, 8.0, 15.0])
def test_the_noise_is_told(head_phantom, sigma):
    noisy = head_phantom(3.0, noise=sigma)
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("share", [0.03, 0.06, 0.09])
def test_denoising_gains_and_keeps_edges(head_phantom, share):
    clean = head_phantom(3.0)
    sigma = 160 * share
    noisy = head_phantom(3.0, noise=sigma)
    found = denoise(noisy).array
    inside = clean.array > 100

    def error(array):
        return np.sqrt(np.mean((array[inside] - clean.array[inside]) ** 2))

    assert error(found) < 0.8 * error(noisy.array)
    assert np.abs(found.mean() - noisy.array.mean()) < 0.5


def test_denoising_by_a_known_sigma_and_wrong_ones(head_phantom):
    noisy = head_phantom(4.0, noise=5.0)
    assert denoise(noisy, sigma=5.0).array.dtype == np.float32
    with pytest.raises(InputError, match="sigma"):
        denoise(noisy, sigma=0)
    with pytest.raises(InputError, match="method"):
        denoise(noisy, method="median")


def test_the_sigma_decides_how_much_is_smoothed(head_phantom):
    noisy = head_phantom(4.0, noise=5.0)
    few, more = (
        np.abs(denoise(noisy, sigma=sigma).array - noisy.array).mean()
        for sigma in (1.0, 10.0)
    )
    assert more > 3 * few > 0
    with pytest.raises(InputError, match="sigma"):
        denoise(noisy, sigma="5")
