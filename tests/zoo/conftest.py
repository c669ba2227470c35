"""A recipe and a zoo folder, made anew for each test."""

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).with_name("example_recipe.json")
METRICS = {
    "model": "tiny_age",
    "version": "1.2",
    "protocol": "5-fold cross-validation, 140 cases",
    "metrics": {
        "mae": {"value": 4.02, "ci95": [3.5, 4.6], "n": 140, "unit": "years"},
        "r": {"value": 0.953, "ci95": [0.93, 0.97], "n": 140},
    },
    "baselines": {
        "mean_age": {"mae": {"value": 13.7, "ci95": [12.5, 15.0], "n": 140}},
    },
    "groups": {"female": {"mae": {"value": 4.11, "n": 77, "unit": "years"}}},
    "external": [
        {"data": "Other scanner", "metrics": {"mae": {"value": 6.66, "n": 40}}}
    ],
    "cost": {"seconds_warm": 1.25, "machine": "2 cores"},
    "parameters": 1234567,
}


@pytest.fixture
def content():
    return json.loads(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture
def metrics():
    return json.loads(json.dumps(METRICS))


@pytest.fixture
def add_model(tmp_path, content):
    """A function that writes a model into a zoo folder and gives the model's folder."""

    def add(name="tiny_age", measured=None, **changes):
        folder = tmp_path / "zoo_models" / name
        folder.mkdir(parents=True, exist_ok=True)
        recipe = {**content, "name": name, **changes}
        (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
        if measured is not None:
            text = json.dumps(measured)
            (folder / "metrics.json").write_text(text, encoding="utf-8")
        return folder

    return add
