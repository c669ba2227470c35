"""From what a network takes back to voxels: no part of an attribution is lost."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.explanation.voxels import GridInput, HistogramInput, input_of
from medzoo.inference.predict import task_of
from medzoo.layers import LocalHistogram
from tests.explanation.conftest import tiny_model

LEVELS = (0.0, 0.3, 0.7, 1.0)
POWERS = (1.0, 0.3)


def histogram_of(placed, power):
    arguments = {"levels": LEVELS, "block": 2, "offset": 0.3, "scale": 2.0}
    arguments["power"] = power
    numbers = np.asarray(LocalHistogram(**arguments)(placed[None]))[0]
    return HistogramInput(numbers, (2, 2, 2), placed, arguments)


@pytest.fixture
def placed():
    return np.random.default_rng(1).uniform(0, 1.2, (6, 4, 4, 1)).astype(np.float32)


@pytest.mark.parametrize("power", POWERS)
def test_each_block_of_voxels_has_what_its_histogram_has(placed, power):
    seen, other = histogram_of(placed, power), histogram_of(placed[::-1], power)
    attributions = np.random.default_rng(2).normal(size=seen.numbers.shape)

    voxels = seen.spread(attributions, other.numbers)

    blocks = voxels.reshape(3, 2, 2, 2, 2, 2).sum(axis=(1, 3, 5))
    np.testing.assert_allclose(blocks, attributions.sum(-1), atol=1e-6)


def test_a_voxel_has_what_it_has_more_of_a_level_than_the_baseline():
    placed = np.zeros((2, 2, 2, 1), np.float32)
    placed[0, 0, 0] = 0.3
    seen = histogram_of(placed, 1.0)
    nothing = histogram_of(np.zeros_like(placed), 1.0)
    attributions = np.zeros(seen.numbers.shape)
    attributions[..., 0] = 5.0

    voxels = seen.spread(attributions, nothing.numbers)

    assert voxels[0, 0, 0] == pytest.approx(5)
    assert np.abs(voxels).sum() == pytest.approx(5)


@pytest.mark.parametrize("power", POWERS)
def test_all_voxels_replaced_are_the_baseline_and_none_are_the_scan(placed, power):
    seen, other = histogram_of(placed, power), histogram_of(placed[::-1], power)
    labels = np.ones(placed.shape[:3], np.int64)

    none, everything = seen.replaced(labels, 2, other.numbers.astype(np.float64))

    np.testing.assert_array_equal(none, seen.numbers)
    np.testing.assert_allclose(everything, other.numbers, atol=1e-4)


def test_a_replaced_voxel_is_the_average_voxel_of_the_baseline(placed):
    seen, other = histogram_of(placed, 1.0), histogram_of(placed[::-1], 1.0)
    labels = np.zeros(placed.shape[:3], np.int64)
    labels[0, 0, 0] = 1

    _, found = seen.replaced(labels, 2, other.numbers.astype(np.float64))

    parts = LocalHistogram(LEVELS, block=1)(placed[None])
    parts = np.asarray(parts)[0][:2, :2, :2].reshape(8, -1)
    base = other.numbers[0, 0, 0] / 2 + 0.3
    expected = (np.concatenate([base[None], parts[1:]]).mean(0) - 0.3) * 2
    np.testing.assert_allclose(found[0, 0, 0], expected, atol=1e-5)
    np.testing.assert_array_equal(found[1:], seen.numbers[1:])


def test_blocks_of_equal_voxels_share_evenly():
    seen = GridInput(np.ones((2, 2, 2, 3)), (2, 1, 1))
    attributions = np.arange(24.0).reshape(2, 2, 2, 3)

    voxels = seen.spread(attributions, np.zeros((2, 2, 2, 3)))

    assert voxels.shape == (4, 2, 2)
    np.testing.assert_allclose(voxels[0], voxels[1])
    np.testing.assert_allclose(voxels[:2].sum(0), attributions[0].sum(-1))


def test_half_of_a_block_replaced_goes_half_of_the_way():
    seen = GridInput(np.ones((2, 2, 2, 3)), (2, 1, 1))
    labels = np.zeros((4, 2, 2), np.int64)
    labels[0] = 1

    found = list(seen.replaced(labels, 2, np.full((2, 2, 2, 3), 5.0)))[1]

    assert (found[0] == 3).all()
    assert (found[1] == 1).all()


def test_the_kind_of_input_follows_the_recipe():
    recipe = tiny_model().recipe
    placed = np.full((16, 16, 16, 1), 100.0, np.float32)
    histogram = recipe["preprocessing"]["layers"]

    def seen_with(layers):
        changed = {**recipe["preprocessing"], "layers": layers}
        task = task_of({**recipe, "preprocessing": changed}, lambda: None)
        return input_of(task, placed)

    assert isinstance(seen_with(histogram), HistogramInput)
    assert type(seen_with([{"class": "ZScore"}])) is GridInput
    with pytest.raises(InputError, match="last layer"):
        seen_with([*histogram, {"class": "ZScore"}])
