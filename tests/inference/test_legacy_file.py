"""Keras' old format keeps weights, recipe and frozen layers, and says what it loses."""

import warnings

import keras
import numpy as np
import pytest

import medzoo
from medzoo import models
from medzoo.errors import InputError, MedzooWarning
from medzoo.models.from_recipe import CLASSES

SMALL = {
    "input_shape": [8, 8, 8, 1],
    "filters": [2, 4],
    "strides": [[1, 1, 1], [2, 2, 2]],
}
KINDS = {
    "ResNet3D": {**SMALL, "num_classes": 2},
    "ResidualUNet3D": {**SMALL, "num_classes": 2},
    "FCN3D": {**SMALL, "num_classes": 2},
    "ConvolutionalAutoencoder3D": {**SMALL, "latent_dim": 4},
    "SuperResolution3D": {"input_shape": [8, 8, 8, 1], "filters": [2, 4]},
    "Ensemble3D": {
        "member": {"class": "ResNet3D", "arguments": {**SMALL, "num_classes": 2}},
        "num_members": 3,
    },
}
RNG = np.random.default_rng(0)


def make(name):
    model = CLASSES[name](**KINDS[name], recipe={"name": "a"})
    # Averages of batches that nobody has seen yet would all be alike.
    model.set_weights([RNG.uniform(0.2, 1, w.shape) for w in model.weights])
    return model


def answer(model, x):
    found = model(x, training=False)
    return np.asarray(found[0] if isinstance(found, list) else found)


@pytest.mark.parametrize("name", KINDS)
def test_a_model_saved_as_h5_answers_as_before(name, tmp_path):
    model = make(name)
    x = RNG.normal(size=(2, 8, 8, 8, 1)).astype("f4")
    model.save(tmp_path / "m.h5")
    loaded = keras.models.load_model(tmp_path / "m.h5")
    assert type(loaded) is type(model)
    assert loaded.recipe == {"name": "a"}
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(answer(loaded, x), answer(model, x))


def test_frozen_layers_of_an_ensemble_stay_frozen_in_h5(tmp_path):
    model = make("Ensemble3D")
    medzoo.freeze(model, but="head")
    x = RNG.normal(size=(2, 8, 8, 8, 1)).astype("f4")
    model.save(tmp_path / "m.h5")
    loaded = keras.models.load_model(tmp_path / "m.h5")
    kept = [w.path for w in model.trainable_weights]
    assert 0 < len(kept) < len(model.weights)
    assert [w.path for w in loaded.trainable_weights] == kept
    np.testing.assert_array_equal(answer(loaded, x), answer(model, x))


@pytest.mark.parametrize("name", ["ResNet3D", "Ensemble3D"])
def test_an_optimizer_that_is_lost_is_told(name, tmp_path):
    model = make(name)
    x = RNG.normal(size=(2, 8, 8, 8, 1)).astype("f4")
    model.compile("adam", "mse")
    with warnings.catch_warnings():
        # Nothing is lost before the first step.
        warnings.simplefilter("error", MedzooWarning)
        model.save(tmp_path / "m.h5")
    model.fit(x, np.ones((2, 2)), verbose=0)
    with pytest.warns(MedzooWarning, match=r"no optimizer.*m\.keras"):
        model.save(tmp_path / "m.h5")
    loaded = keras.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(answer(loaded, x), answer(model, x))
    with pytest.raises(InputError, match=r"no optimizer.*m\.keras"):
        model.save(tmp_path / "n.h5", include_optimizer=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.h5"]


def test_a_file_that_is_to_stay_stays(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"mine")
    with pytest.raises(InputError, match="overwrite=False"):
        make("ResNet3D").save(tmp_path / "m.h5", overwrite=False)
    assert (tmp_path / "m.h5").read_bytes() == b"mine"


def test_every_kind_of_network_that_saves_is_tried():
    saving = {n for n, c in CLASSES.items() if issubclass(c, models.base.VolumeModel)}
    others = {"DeepMedic3D", "Discriminator3D", "Generator3D"}
    assert saving == set(KINDS) | others
