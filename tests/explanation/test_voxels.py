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


def test_voxels_that_hold_what_is_too_much_have_it_and_what_is_lacking():
    # Half of the block at one level and half at another; the baseline has a quarter
    # and three quarters: a quarter of the block is at the first instead of the second.
    placed, other = two_levels(4), two_levels(2)
    attributions = np.zeros((1, 1, 1, 3))
    attributions[..., 0], attributions[..., 1] = 5.0, 2.0

    voxels = histogram_of(placed, 1.0).spread(
        attributions, histogram_of(other, 1.0).numbers
    )

    first = placed[..., 0] < 0.5
    np.testing.assert_allclose(voxels[first], 7 / 4, atol=1e-5)
    np.testing.assert_allclose(voxels[~first], 0, atol=1e-5)


def two_levels(count):
    """A block with `count` voxels at the first level, the others at the second."""
    block = np.full(8, 0.7, np.float32)
    block[:count] = 0.3
    return block.reshape(2, 2, 2, 1)


def test_replacing_what_is_too_much_gives_the_baseline_and_the_rest_nothing():
    placed, other = two_levels(4), two_levels(2)
    seen, base = histogram_of(placed, 1.0), histogram_of(other, 1.0).numbers
    labels = (placed[..., 0] < 0.5).astype(np.int64)

    others, first = seen.replaced(labels, 2, base.astype(np.float64))

    np.testing.assert_allclose(first, base, atol=1e-5)
    np.testing.assert_allclose(others, seen.numbers, atol=1e-5)


@pytest.mark.parametrize("power", POWERS)
def test_against_itself_no_voxel_and_no_label_does_anything(placed, power):
    seen = histogram_of(placed, power)
    labels = np.arange(placed.size).reshape(placed.shape[:3]) % 3

    for found in seen.replaced(labels, 3, seen.numbers):
        np.testing.assert_allclose(found, seen.numbers, atol=1e-5)


@pytest.mark.parametrize("power", POWERS)
def test_all_voxels_replaced_are_the_baseline_and_none_are_the_scan(placed, power):
    seen, other = histogram_of(placed, power), histogram_of(placed[::-1], power)
    labels = np.ones(placed.shape[:3], np.int64)

    none, everything = seen.replaced(labels, 2, other.numbers.astype(np.float64))

    np.testing.assert_array_equal(none, seen.numbers)
    np.testing.assert_allclose(everything, other.numbers, atol=1e-4)


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
