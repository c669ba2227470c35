"""A recipe, a zoo folder, a cache and a hub, made anew for each test."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from medzoo import transfer
from tests.zoo.hub.loopback_hub import LoopbackHub

REPO = "lab/tiny"
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


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of an empty cache that this test has for itself."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MEDZOO_CACHE", str(folder))
    monkeypatch.delenv("MEDZOO_MIRROR", raising=False)
    return folder


@pytest.fixture
def hub(cache, monkeypatch):
    """A hub on loopback that the hub's client in this process speaks to."""
    from huggingface_hub import constants

    # The client reads these once, when it is imported, perhaps by an earlier test.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.4)
    with LoopbackHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def weights():
    """The bytes of weights that nobody loads."""
    return random.Random(0).randbytes(200_000)


@pytest.fixture
def published(hub, content, weights):
    """Puts a model on the hub; gives its commit."""
    content["weights"] = {
        "file": "model.weights.h5",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "bytes": len(weights),
        "urls": [],
    }
    files = {
        "recipe.json": json.dumps(content).encode(),
        "model.weights.h5": weights,
        "metrics.json": json.dumps(METRICS).encode(),
    }
    return hub.put(REPO, files)
