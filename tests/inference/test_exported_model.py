"""Exported models answer as Keras does, from the recipe and the weights' hash alone."""

import keras
import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.inference import openvino_engine
from medzoo.inference.engine import engine_of
from medzoo.inference.exported_model import ExportedModel, can_be_exported
from medzoo.inference.settings import Settings
from medzoo.preprocess import Preprocessor
from medzoo.zoo.checked_model import check_model

pytest.importorskip("openvino")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras exports to OpenVINO from TensorFlow", allow_module_level=True)

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def exports(tmp_path, monkeypatch):
    """An empty cache; the names of the networks that were exported, in order."""
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path / "cache"))
    made = []
    export = openvino_engine._export

    def counted(network, folder):
        made.append(network.name)
        return export(network, folder)

    monkeypatch.setattr(openvino_engine, "_export", counted)
    return made


def exported_model(name, load):
    files = check_model(name)
    recipe = files.recipe.to_dict()
    preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
    return ExportedModel(recipe, files.weights, load, preprocessor)


def never():
    raise AssertionError


def test_layers_network_and_distance_are_those_of_keras(exports):
    model = medzoo.load("ixi_age_resnet")
    x = RNG.uniform(0, 1.2, (1, 80, 96, 80, 1)).astype("f4")
    wanted = model.preprocessor.normalize(x)

    first = exported_model("ixi_age_resnet", lambda: model)
    second = exported_model("ixi_age_resnet", never)
    for number, found in enumerate((first, second), 1):
        batch = found.normalize(x)
        np.testing.assert_allclose(batch, wanted, atol=1e-4)
        answer = engine_of(found, name="openvino")(batch)
        np.testing.assert_allclose(answer, np.asarray(model(wanted)), rtol=1e-4)
        np.testing.assert_allclose(
            found.contrast_distances(wanted), model.contrast_distances(wanted)
        )
        # The second found both in the cache, and asked nobody for a Keras model.
        assert len(exports) == 2, number


def test_a_network_for_any_size_gives_probabilities_or_classes(models):
    model = medzoo.load(models["tiny_tissue"])
    found = exported_model(models["tiny_tissue"], lambda: model)

    for shape in ((1, 16, 16, 8, 2), (1, 8, 24, 16, 2)):
        x = RNG.uniform(0, 1.2, shape).astype("f4")
        x[..., 1:] = 0
        batch = found.normalize(x)
        np.testing.assert_array_equal(batch, model.preprocessor.normalize(x))
        shares = engine_of(found, name="openvino", softmax=True)(batch)
        wanted = engine_of(model, softmax=True)(batch)
        np.testing.assert_allclose(shares, wanted, atol=1e-4)
        classes = engine_of(found, name="openvino", classes=True)(batch)
        assert (classes[..., 0] == wanted.argmax(-1)).mean() > 0.999


def test_other_weights_have_another_export(exports, models):
    model = medzoo.load(models["tiny_age"])
    batch = RNG.normal(size=(1, 8, 8, 8, 1)).astype("f4")
    found = exported_model(models["tiny_age"], lambda: model)
    engine_of(found, name="openvino")(batch)

    found = exported_model(models["tiny_age"], lambda: model)
    found._recipe["weights"]["sha256"] = "0" * 64
    engine_of(found, name="openvino")(batch)

    assert len(exports) == 2


@pytest.mark.parametrize(
    ("settings", "can"),
    [
        (Settings(engine="openvino"), True),
        (Settings(), False),
        (Settings("ensemble", engine="openvino"), False),
    ],
)
def test_keras_is_left_out_where_all_is_exported(settings, can):
    assert can_be_exported(settings) == can


def test_what_openvino_cannot_run_is_refused(monkeypatch, models):
    def refuse(*_, **__):
        raise ValueError("No rule for operations: Mystery")

    model = medzoo.load(models["tiny_age"])
    monkeypatch.setattr(keras.Model, "export", refuse)
    found = exported_model(models["tiny_age"], lambda: model)
    with pytest.raises(InputError, match="Mystery"):
        engine_of(found, name="openvino")
