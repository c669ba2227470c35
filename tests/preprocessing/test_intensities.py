"""Intensity scales of volumes: the numbers of the layers, and what they refuse."""

import numpy as np
import pytest

import medzoo
from medzoo import layers
from medzoo.errors import GeometryError, InputError
from medzoo.layers.clip_intensity import WINDOWS as LAYER_WINDOWS
from medzoo.preprocessing import (
    ct_window,
    histogram_match,
    rescale,
    white_stripe,
    zscore,
)
from medzoo.preprocessing.steps import WINDOWS
from medzoo.volume import Volume


def test_volumes_get_the_numbers_of_the_layers(head_phantom):
    head = head_phantom(6.0, noise=3.0)
    batch = head.array[None, ..., None]
    for found, layer in (
        (zscore(head), layers.ZScore()),
        (zscore(head, region="foreground"), layers.ZScore(region="foreground")),
        (rescale(head), layers.RescaleIntensity(percentiles=(0.5, 99.5))),
        (ct_window(head, out_range=None), layers.ClipIntensity(window="brain")),
    ):
        np.testing.assert_array_equal(found.array, np.asarray(layer(batch))[0, ..., 0])
        np.testing.assert_array_equal(found.affine, head.affine)


def test_zscore_within_a_mask(head_phantom):
    head = head_phantom(6.0, noise=3.0)
    mask = head.with_array(head.array > 90)
    found = zscore(head, mask).array[mask.array]
    assert found.mean() == pytest.approx(0, abs=1e-4)
    assert found.std() == pytest.approx(1, abs=1e-3)
    with pytest.raises(GeometryError, match="grid of the volume"):
        zscore(head, head_phantom(8.0))


def test_a_window_goes_from_0_to_1(head_phantom):
    ct = head_phantom(6.0)
    found = ct_window(ct.with_array(ct.array - 50), "brain").array
    assert found.min() == 0
    assert found.max() == 1
    expected = np.clip((ct.array - 50) / 80, 0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(InputError, match="window"):
        ct_window(ct, "moon")
    assert set(WINDOWS) == set(LAYER_WINDOWS)


def test_white_matter_becomes_0(head_phantom):
    head = head_phantom(3.0, noise=2.0)
    mask = head.with_array((head.array > 90) & (head.array < 175))
    for scale in (1.0, 7.5):
        found = white_stripe(head.with_array(scale * head.array), mask).array
        white = (head.array > 158) & (head.array < 162)
        assert abs(np.median(found[white])) < 1.0
    with pytest.raises(InputError, match="White matter"):
        white_stripe(head.with_array(np.ones(head.shape)))


def test_white_matter_is_the_last_peak_and_not_the_highest():
    # As in a stripped T1: more grey matter than white, with more noise.
    draws = np.random.default_rng(0)
    levels = np.repeat([20.0, 65.0, 100.0], [6000, 14000, 9600])
    noisy = (levels + draws.normal(0, 5, levels.size)).astype(np.float32)
    scan = Volume(noisy.reshape(20, 37, 40), np.eye(4))
    mask = scan.with_array(np.ones(scan.shape, np.uint8))
    found = white_stripe(scan, mask).array.ravel()
    assert abs(np.median(found[levels == 100])) < 1.0
    assert np.median(found[levels == 65]) < -10


@pytest.mark.realdata
def test_white_matter_of_people_becomes_0(realdata):
    folder = realdata / "malf2012"
    for name in ("1000", "1107"):
        scan = medzoo.read(folder / f"{name}_T1_brain.nii.gz")
        labels = medzoo.read(folder / f"{name}_mrbrains.nii.gz").array
        mask = scan.with_array((scan.array > 0).astype(np.uint8))
        found = white_stripe(scan, mask).array
        # The stripe is narrow, and its standard deviation the unit.
        assert abs(np.median(found[labels == 3])) < 5
        assert np.median(found[labels == 1]) < -15


def test_a_histogram_is_matched(head_phantom):
    # Without skull: with it the phantom's mean is the level of its fluid, 45, which is
    # then among the bright voxels of one scan alone (an error of 7 instead of 1.5).
    reference = head_phantom(4.0, noise=2.0, skull=False)
    other = head_phantom(5.0, noise=2.0, skull=False, shift=(9, 0, 0))
    bent = 200 * (np.maximum(other.array, 0) / 200) ** 1.5
    tissue = other.array > 100
    assert np.abs(bent - other.array)[tissue].mean() > 20
    found = histogram_match(other.with_array(15 * bent), reference).array
    assert np.abs(found - other.array)[tissue].mean() < 2
    with pytest.raises(InputError, match="more than one intensity"):
        histogram_match(other.with_array(np.ones(other.shape)), reference)
