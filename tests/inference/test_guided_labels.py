import numpy as np
import pytest

import medzoo
from medzoo.errors import RecipeError
from medzoo.inference.engine import engine_of
from medzoo.inference.guided_labels import as_input_of, choose, guide_of
from medzoo.models import ResidualUNet3D

GROUPS = ((0,), (3, 1), (2, 4))


def network():
    return ResidualUNet3D(
        input_shape=(None, None, None, 1),
        num_classes=5,
        filters=(4, 8),
        strides=((1, 1, 1), (2, 2, 2)),
    )


def test_best_class_of_each_group_is_that_of_the_logits():
    model = network()
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 8, 1)).astype("float32")
    logits = model.predict_on_batch(x)
    best = engine_of(model, classes=GROUPS)(x)
    assert best.shape == (1, 8, 8, 8, 3)
    for place, classes in enumerate(GROUPS):
        expected = np.asarray(classes)[logits[..., classes].argmax(-1)]
        np.testing.assert_array_equal(best[..., place], expected)


def test_openvino_gives_the_same_classes():
    pytest.importorskip("openvino")
    model = network()
    x = np.random.default_rng(1).normal(size=(1, 8, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(
        engine_of(model, name="openvino", classes=GROUPS)(x),
        engine_of(model, classes=GROUPS)(x),
    )


def test_a_voxel_takes_the_class_that_its_tissue_allows():
    best = np.array([[[[0, 3, 4], [0, 1, 2]]]])
    tissue = np.array([[[1, 3]]])
    # Tissue classes 2 and 3 allow the same regions.
    labels = choose(best, tissue, [0, 1, 2, 2])
    np.testing.assert_array_equal(labels, [[[3, 2]]])


def test_absent_channels_of_the_guide_are_marked_absent():
    guide = medzoo.load("mrbrains_tissue_unet", weights=False)
    x = np.random.default_rng(2).random((4, 5, 6, 4), np.float32)
    given = as_input_of(guide, x)
    assert given.shape == (4, 5, 6, 6)
    np.testing.assert_array_equal(given[..., 0], x[..., 0])
    assert not given[..., 1:3].any()
    np.testing.assert_array_equal(given[0, 0, 0, 3:], [1, 0, 0])


def test_a_guide_with_other_spatial_steps_is_refused():
    age = medzoo.load("ixi_age_resnet", weights=False)
    with pytest.raises(RecipeError, match="spatial steps"):
        guide_of(age, age.recipe, "mrbrains_tissue_unet")
