import json

import pytest

SMALL = {
    "input_shape": [8, 8, 8, 1],
    "num_classes": 1,
    "filters": [4, 8],
    "strides": [[1, 1, 1], [2, 2, 2]],
    "output_scale": 10.0,
    "output_offset": 47.0,
}


@pytest.fixture
def small():
    """Constructor arguments of a network that is quick to build."""
    return json.loads(json.dumps(SMALL))


@pytest.fixture
def recipe(small):
    """What these tests need of a recipe.json, for a single network."""
    return {
        "name": "an_age",
        "task": "regression",
        "unit": "years",
        "architecture": {"class": "ResNet3D", "arguments": small},
        "target": {"column": "age"},
        "postprocessing": [{"step": "interval", "arguments": {"coverage": 0.9}}],
        "weights": {"file": "model.weights.h5"},
    }
