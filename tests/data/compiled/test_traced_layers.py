"""TracedLayers: what the layers give one by one, for volumes of many sizes."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from medzoo import layers
from medzoo.data.compiled.traced_layers import TracedLayers

RNG = np.random.default_rng(0)
SIZES = ((8, 12, 16), (12, 8, 8), (16, 16, 8), (8, 12, 16))
VOLUMES = [RNG.uniform(1, 9, (*size, 1)).astype("f4") for size in SIZES]


def one_by_one(chain, volume):
    batch = volume[None]
    for layer in chain:
        batch = layer(batch, training=False)
    return np.asarray(batch)[0]


@pytest.mark.parametrize(
    "chain",
    [
        [layers.ZScore()],
        [layers.ZScore("above_mean"), layers.ClipIntensity(-2, 2)],
        [layers.CropOrPad3D((9, 9, 9))],
        # It must know sizes.
        [layers.LocalHistogram([2.0, 4.0, 6.0, 8.0], block=4)],
        # Layers of Keras, and random ones, which do not draw here.
        [keras.layers.Rescaling(0.5), layers.RandomNoise(1.0), layers.ZScore()],
        [],
    ],
)
def test_equals_the_layers_one_by_one(chain):
    traced = TracedLayers(chain)
    for volume in VOLUMES:
        np.testing.assert_allclose(traced(volume), one_by_one(chain, volume), atol=1e-5)


def test_a_layer_of_medzoo_is_one_graph_for_all_sizes():
    calls = []

    class Counted(layers.ZScore):
        def call(self, *arguments, **options):
            calls.append(1)
            return super().call(*arguments, **options)

    traced = TracedLayers([Counted()])
    sizes = [(n, 9 + n % 3, 20 - n, 1) for n in range(4, 14)]
    for size in sizes:
        traced(RNG.uniform(1, 9, size).astype("f4"))
    # One for the first size, and for those that another axis was found to vary with.
    assert len(calls) <= 4 < len(sizes)


def test_refuses_what_a_layer_refuses():
    traced = TracedLayers([layers.LocalHistogram([2.0, 4.0], block=4)])
    traced(VOLUMES[0])
    for _ in range(2):
        with pytest.raises(ValueError, match="divisible"):
            traced(VOLUMES[0][:7])
    assert traced(VOLUMES[1]).shape == (3, 2, 2, 1)


def test_in_threads_and_in_another_process():
    traced = TracedLayers([layers.ZScore()])
    copy = pickle.loads(pickle.dumps(traced))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(copy, VOLUMES * 4))
    for volume, given in zip(VOLUMES * 4, found, strict=True):
        np.testing.assert_allclose(given, one_by_one(traced.layers, volume), atol=1e-5)
