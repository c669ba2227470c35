"""Segmentation of a prepared case, and what becomes of label maps after."""

import keras
import numpy as np
import pytest
from scipy.special import entr, softmax

from medzoo.errors import InputError, RecipeError, ResourceError
from medzoo.inference.engine import engine_of
from medzoo.inference.label_volumes import volumes_ml
from medzoo.inference.largest_component import largest_component
from medzoo.inference.segmentation import segment


def test_only_the_largest_connected_part_is_kept():
    labels = np.zeros((12, 10, 8), np.uint8)
    labels[1:6, 1:6, 1:6] = 2
    labels[3, 3, 3] = 0
    # Another class that touches it belongs to it; what touches by an edge does not.
    labels[6, 2, 2] = 1
    labels[6, 6, 6] = 3
    labels[10:, 8:, 6:] = 2

    kept = largest_component(labels)

    wanted = labels.copy()
    wanted[6, 6, 6] = 0
    wanted[10:] = 0
    np.testing.assert_array_equal(kept, wanted)
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(largest_component(0 * labels), 0 * labels)


def test_volumes_count_voxels_in_millilitres():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[:5] = 1
    affine = np.diag([2.0, -1.0, 0.5, 1.0])
    # Of a registration with twelve parameters: edges grow longer, the voxel does not.
    affine[0, 1] = 0.7
    found = volumes_ml(labels, affine, ["background", "a", "b"])
    assert found == {"a": pytest.approx(0.5), "b": 0.0}


RNG = np.random.default_rng(0)


def recipe(**window):
    steps = [{"step": "sliding_window", "arguments": window}]
    return {"class_names": ["background", "a", "b"], "postprocessing": steps}


def voxelwise(bias=(0.0, 0.2, -0.1)):
    """A network that looks at one voxel alone, so that windows change nothing."""
    inputs = keras.Input((None, None, None, 1))
    head = keras.layers.Conv3D(3, 1)
    model = keras.Model(inputs, head(inputs))
    kernel = np.array([-3.0, 1.0, 2.0]).reshape(1, 1, 1, 1, 3)
    head.set_weights([kernel, np.array(bias)])
    return model


@pytest.mark.parametrize("weighting", ["gaussian", "constant"])
def test_a_voxelwise_network_answers_as_over_the_whole_volume(weighting):
    model, x = voxelwise(), RNG.normal(size=(30, 41, 26, 1)).astype("f4")
    arguments = {"window_size": [16, 16, 16], "overlap": 0.5, "weighting": weighting}

    labels, entropy, shares = segment(model, x, recipe(**arguments), probabilities=True)

    wanted = softmax(np.asarray(model(x[None]))[0], axis=-1)
    np.testing.assert_array_equal(labels, wanted.argmax(-1))
    np.testing.assert_allclose(shares, wanted, atol=1e-3)
    np.testing.assert_allclose(entropy, entr(wanted).sum(-1) / np.log(3), atol=2e-3)
    assert (labels.dtype, entropy.dtype, shares.dtype) == ("u1", "f2", "f2")


def test_entropy_is_left_out_where_nobody_asks():
    x = RNG.normal(size=(16, 16, 16, 1)).astype("f4")
    labels, entropy, shares = segment(voxelwise(), x, recipe(), entropy=False)
    assert entropy is None
    assert shares is None
    assert labels.shape == (16, 16, 16)


def test_both_sides_are_averaged_whatever_the_engine():
    x = RNG.normal(size=(16, 18, 16, 1)).astype("f4")
    mirrored = recipe(window_size=[16, 32, 16])
    mirrored["postprocessing"].append({"step": "mirror", "arguments": {"axis": 1}})
    asked = []

    def rising(batch):
        """More of class a the further along the second axis."""
        asked.append(batch.shape)
        share = np.broadcast_to(np.linspace(0, 1, 32)[:, None], (*batch.shape[1:4],))
        shares = np.stack([1 - share, share, 0 * share], -1)
        return np.repeat(shares[None], len(batch), 0).astype("f4")

    _, _, shares = segment(None, x, mirrored, engine=rising, probabilities=True)

    assert asked == [(1, 16, 32, 16, 1)] * 2
    np.testing.assert_allclose(shares[..., :2], 0.5, atol=1e-3)


def test_windows_of_nothing_are_background_without_asking():
    # Zeros are class a to this network; a scan of zeros is background all the same.
    model, x = voxelwise(bias=(0.0, 5.0, 0.0)), np.zeros((16, 16, 64, 1), "f4")
    x[:, :, :10] = 1
    arguments = {"window_size": [16, 16, 16], "overlap": 0.0}

    asked, _, _ = segment(model, x, recipe(**arguments))
    skipped, _, _ = segment(model, x, recipe(**arguments, skip_empty=True))

    assert (asked[:, :, 16:] == 1).all()
    np.testing.assert_array_equal(skipped[:, :, :16], asked[:, :, :16])
    assert (skipped[:, :, 16:] == 0).all()


def test_answers_that_are_not_finite_are_refused():
    model, x = voxelwise(), np.full((16, 16, 16, 1), np.nan, "f4")
    with pytest.raises(InputError, match="NaN or Inf"):
        segment(model, x, recipe())


def test_more_than_memory_allows_is_refused_before_the_network_is_asked():
    def never(batch):
        raise AssertionError

    x = np.zeros((64, 64, 128, 1), "f4")
    with pytest.raises(ResourceError, match="planes of 3 outputs"):
        segment(None, x, recipe(), engine=never, memory_limit=300_000_000)


def test_an_argument_that_there_is_not_is_refused():
    x = np.zeros((16, 16, 16, 1), "f4")
    with pytest.raises(RecipeError, match="Received: windowsize"):
        segment(voxelwise(), x, recipe(windowsize=[16, 16, 16]))


def test_fitted_windows_answer_as_others(monkeypatch):
    model, x = voxelwise(), RNG.normal(size=(30, 41, 26, 1)).astype("f4")
    arguments = {"window_size": [24, 24, 24], "overlap": 0.25}

    given, _, _ = segment(model, x, recipe(**arguments))
    fitted, _, _ = segment(model, x, recipe(**arguments, fit=True))
    asked = []
    monkeypatch.setattr("medzoo.inference.memory_plan.WINDOW_BYTES", 7_000_000)
    engine = engine_of(model, softmax=True)

    def noting(batch):
        asked.append(batch.shape)
        return engine(batch)

    divided, _, _ = segment(model, x, recipe(**arguments, whole=True), engine=noting)

    np.testing.assert_array_equal(fitted, given)
    np.testing.assert_array_equal(divided, given)
    # With 233 bytes a voxel the whole, of 32 x 48 x 32, would take 11.5 million.
    assert asked == [(2, 32, 48, 16, 1)]


@pytest.mark.parametrize("weighting", ["gaussian", "nearest"])
def test_labels_of_many_classes_do_not_wrap(weighting):
    many = recipe(window_size=[16, 16, 16], weighting=weighting)
    many["class_names"] = [f"class {i}" for i in range(300)]

    def last_but_one(batch):
        if weighting == "nearest":
            return np.full((*batch.shape[:4], 1), 298, np.float32)
        return np.eye(300, dtype=np.float32)[np.full(batch.shape[:4], 298)]

    x = np.zeros((16, 16, 16, 1), np.float32)
    labels, _, _ = segment(None, x, many, engine=last_but_one, entropy=False)

    assert labels.dtype == np.uint16
    assert (labels == 298).all()
