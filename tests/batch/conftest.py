"""A small trained model and a scan for whole runs of prediction."""

import json
import shutil

import pytest

from medzoo.io import write
from tests.batch.small_models import EXAMPLE, SPATIAL


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model folder with fresh but fixed weights."""
    import keras

    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("zoo") / "tiny_age"
    folder.mkdir()
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    recipe["preprocessing"]["spatial"] = SPATIAL
    recipe["training"] = {"epochs": 3}
    recipe["architecture"]["arguments"].update(output_scale=9.0, output_offset=40.0)
    model = build_model({**recipe, "weights": None})
    facts = write_weights(model, folder / "model.weights.h5")
    recipe["weights"] = {**facts, "urls": []}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return folder


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
