"""New classes: what changes in a recipe whose model gets another head."""

import keras
import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.models.from_recipe import build_model
from medzoo.zoo.new_classes import with_new_classes

X = np.random.default_rng(0).normal(size=(2, 8, 8, 8, 1)).astype("f4")
NETWORK = {
    "input_shape": [8, 8, 8, 1],
    "num_classes": 1,
    "filters": [4, 8],
    "strides": [[1, 1, 1], [2, 2, 2]],
    "output_scale": 10.0,
    "output_offset": 47.0,
}


@pytest.fixture
def recipe(content):
    return {**content, "architecture": {"class": "ResNet3D", "arguments": NETWORK}}


def test_regression_becomes_classification_with_logits(recipe):
    model = build_model(recipe)

    fresh = with_new_classes(model, 2)

    changed = fresh.recipe
    assert changed["task"] == "classification"
    assert changed["class_names"] == ["class_0", "class_1"]
    assert "unit" not in changed
    assert changed["weights"] is None
    assert changed["postprocessing"] == []
    assert changed["target"] == {"column": "age"}
    arguments = changed["architecture"]["arguments"]
    assert (arguments["output_scale"], arguments["output_offset"]) == (1.0, 0.0)
    # A fresh head of a network whose output was about 47 years.
    assert np.abs(fresh(X)).max() < 20
    assert model.recipe == recipe


def test_segmentation_stays_and_forgets_what_held_for_the_old_classes(recipe):
    arguments = {
        "num_classes": 2,
        "filters": [3, 4],
        "strides": [[1, 1, 1], [2, 2, 2]],
    }
    recipe |= {
        "task": "segmentation",
        "architecture": {"class": "ResidualUNet3D", "arguments": arguments},
        "class_names": ["background", "liver"],
        "target": {"column": "labels", "label_map": True, "codes": "codes.csv"},
        "postprocessing": [
            {"step": "largest_component", "arguments": {}},
            {"step": "groups", "arguments": {}},
        ],
        "training": {
            "loss": {"class": "LabelSetDiceCrossentropy", "arguments": {"unions": []}},
            "options": {"class_weights": [1, 2], "margin": 2},
        },
    }
    names = ["background", "a", "b", "c"]
    model = build_model(recipe)

    fresh = with_new_classes(model, 4, names)

    assert fresh.output_shape[-1] == 4
    kept = [la.name for la in model.layers if la.weights and la.name != "head"]
    for a, b in zip(
        (w for name in kept for w in model.get_layer(name).get_weights()),
        (w for name in kept for w in fresh.get_layer(name).get_weights()),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert fresh.recipe["task"] == "segmentation"
    assert fresh.recipe["class_names"] == names
    assert fresh.recipe["target"] == {"column": "labels", "label_map": True}
    assert fresh.recipe["postprocessing"] == recipe["postprocessing"][:1]
    assert fresh.recipe["training"] == {"options": {"margin": 2}}
    assert fresh.recipe["weights"] is None
    assert model.recipe == recipe


@pytest.mark.parametrize(
    ("num_classes", "names"),
    [
        (1, None),
        (2, ["a"]),
        (2, ["a", "a"]),
        (2, "ab"),
        (0, None),
        (True, None),
        (2.5, None),
        ("2", None),
        (None, ["a", "b"]),
        # Its head alone would take gigabytes.
        (10**9, None),
    ],
)
def test_refuses_classes_that_do_not_fit_their_names(recipe, num_classes, names):
    with pytest.raises(InputError, match=f"Received: num_classes={num_classes!r}"):
        with_new_classes(build_model(recipe), num_classes, names)


def test_refuses_a_network_without_classes(recipe):
    arguments = {"input_shape": [8, 8, 8, 1], "filters": [4], "strides": [[2, 2, 2]]}
    network = {"class": "ConvolutionalAutoencoder3D", "arguments": arguments}
    model = build_model({**recipe, "architecture": network})
    assert isinstance(model, keras.Model)
    with pytest.raises(ValueError, match="class ConvolutionalAutoencoder3D"):
        with_new_classes(model, 2)
