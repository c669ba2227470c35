"""Tiny models of a value and of a class, and a head to explain."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from medzoo.explanation.explain import explain
from medzoo.models.from_recipe import build_model

EXAMPLE = Path(__file__).parents[1] / "zoo" / "example_recipe.json"
LEVELS = [0, 40, 80, 120, 160, 200]
POWER = 0.5
SPATIAL = [
    {"step": "orient", "arguments": {"orientation": "RAS"}},
    {"step": "resample", "arguments": {"spacing": 12.0}},
    {"step": "crop_pad", "arguments": {"size": [16, 16, 16]}},
]


def tiny_recipe(task="regression", power=1.0):
    """A recipe of local histograms in blocks of 4 voxels of 12 mm."""
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    histogram = {"levels": LEVELS, "block": 4, "offset": 0.1, "scale": 4.0}
    recipe["preprocessing"] = {
        "spatial": SPATIAL,
        "layers": [
            {"class": "LocalHistogram", "arguments": {**histogram, "power": power}}
        ],
    }
    network = {
        "input_shape": [4, 4, 4, len(LEVELS) - 1],
        "filters": [4, 8],
        "strides": [[1, 1, 1], [2, 2, 2]],
        "activation": "relu",
        "readout_block": 1,
    }
    recipe["postprocessing"] = [{"step": "mirror", "arguments": {"axis": 0}}]
    if task == "regression":
        network |= {"num_classes": 1, "output_scale": 9.0, "output_offset": 40.0}
    else:
        network["num_classes"] = 2
        recipe |= {"task": task, "class_names": ["female", "male"]}
        del recipe["unit"]
    recipe["architecture"]["arguments"] = network
    recipe["weights"] = None
    return recipe


def tiny_model(task="regression", power=1.0, seed=0):
    """A network of random weights, its readout too."""
    keras.utils.set_random_seed(seed)
    model = build_model(tiny_recipe(task, power))
    rng = np.random.default_rng(seed)
    readout = model.get_layer("readout")
    readout.set_weights([rng.normal(0, 1, w.shape) for w in readout.get_weights()])
    return model


def two_halves(scan):
    """A label map of a scan: 1 what lies left of the middle, 2 right; air is 0."""
    labels = np.full(scan.shape, 1, np.uint8)
    labels[scan.shape[0] // 2 :] = 2
    labels[scan.array < 20] = 0
    return scan.with_array(labels)


@pytest.fixture(scope="module")
def scan(head_phantom):
    return head_phantom(6.0, "LPS")


@pytest.fixture(scope="module")
def age_model():
    return tiny_model()


@pytest.fixture(scope="module")
def age(age_model, scan):
    """The explanation of a value."""
    return explain(age_model, scan, regions=two_halves(scan))


@pytest.fixture(scope="module")
def sex_model():
    return tiny_model("classification", POWER)


@pytest.fixture(scope="module")
def sex(sex_model, scan):
    """The explanation of a class."""
    return explain(sex_model, scan, regions=two_halves(scan))
