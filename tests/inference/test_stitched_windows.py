"""stitch_windows: each voxel once, from the middle of a window."""

import keras
import numpy as np
import pytest

from medzoo.inference.engine import engine_of
from medzoo.inference.segmentation import segment
from medzoo.inference.stitched_windows import stitch_windows, window_edges


@pytest.mark.parametrize("shape", [(20, 17, 9), (5, 30, 16), (8, 8, 8)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_what_does_not_depend_on_the_window_comes_out_whole(shape, overlap):
    volume = np.random.default_rng(0).normal(size=(*shape, 2)).astype("f4")

    found = stitch_windows(
        lambda batch: batch.sum(-1), volume, window_size=(8, 8, 8), overlap=overlap
    )

    np.testing.assert_array_equal(found, volume.sum(-1))


def test_a_voxel_is_answered_by_the_window_it_lies_deepest_in():
    depth = np.minimum(np.arange(8), np.arange(8)[::-1]).astype("f4")

    def answer(batch):
        return np.broadcast_to(depth[None, :, None, None], batch.shape[:4])

    found = stitch_windows(
        answer, np.zeros((20, 8, 8, 1), "f4"), window_size=(8, 8, 8), overlap=0.5
    )[:, 0, 0]
    # Windows start every four voxels: nobody is nearer than two to a window's end but
    # at the ends of the volume.
    assert found[2:-2].min() == 2
    assert found[0] == found[-1] == 0


def test_edges_cover_an_axis_once():
    edges = window_edges([0, 6, 12], 10, 22)
    assert edges == [(0, 8), (8, 14), (14, 22)]


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, None, 1))
    outputs = keras.layers.Conv3D(3, 3, padding="same")(inputs)
    return keras.Model(inputs, outputs)


def recipe(weighting):
    window = {"window_size": [16, 16, 16], "overlap": 0.5, "weighting": weighting}
    return {
        "class_names": ["air", "a", "b"],
        "postprocessing": [{"step": "sliding_window", "arguments": window}],
    }


def test_labels_are_those_of_the_whole_volume_where_windows_see_enough():
    model = network()
    x = np.random.default_rng(1).normal(size=(24, 20, 16, 1)).astype("f4")

    stitched, entropy, shares = segment(model, x, recipe("nearest"), entropy=False)
    whole = np.asarray(model(x[None]))[0].argmax(-1)

    assert entropy is None
    assert shares is None
    assert stitched.dtype == np.uint8
    np.testing.assert_array_equal(stitched, whole)


def test_probabilities_on_request_are_blended():
    x = np.random.default_rng(1).normal(size=(24, 16, 16, 1)).astype("f4")
    labels, entropy, shares = segment(
        network(), x, recipe("nearest"), probabilities=True
    )
    assert shares.shape == (24, 16, 16, 3)
    assert entropy.shape == labels.shape == (24, 16, 16)


def test_an_engine_that_gives_classes_gives_the_largest_answer():
    model = network()
    x = np.random.default_rng(2).normal(size=(1, 8, 8, 8, 1)).astype("f4")
    found = engine_of(model, classes=True)(x)[..., 0]
    np.testing.assert_array_equal(found, np.asarray(model(x)).argmax(-1))
