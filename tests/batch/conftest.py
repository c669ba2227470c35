"""A small trained model and a scan for whole runs of prediction."""

import json
import shutil
from types import SimpleNamespace

import pytest

from medzoo.io import write
from tests.batch.small_models import make_age_model

# Of a model whose answers a test makes up.
RECIPE = SimpleNamespace(
    name="model_a",
    version="1.0",
    task="segmentation",
    weights={"sha256": "0" * 64},
    to_dict=dict,
)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model folder with fresh but fixed weights."""
    return make_age_model(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session")
def scan(tmp_path_factory, head_phantom):
    path = tmp_path_factory.mktemp("scans") / "head.nii.gz"
    write(head_phantom(spacing=6.0), path)
    return path


@pytest.fixture
def changed_model(tmp_path, model_folder):
    """A function that copies the model with another recipe."""

    def change(edit):
        folder = tmp_path / "tiny_age"
        shutil.copytree(model_folder, folder)
        recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        edit(recipe)
        (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
        return folder

    return change
