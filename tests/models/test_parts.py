"""Freezing, features, and what a saved model remembers of both."""

import keras
import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.models import ConvolutionalAutoencoder3D, Ensemble3D, ResNet3D
from medzoo.models.parts import features, freeze
from medzoo.training.normalization import freeze_normalizations

ARGUMENTS = {
    "input_shape": [8, 8, 8, 1],
    "num_classes": 1,
    "filters": [4, 8],
    "strides": [[1, 1, 1], [2, 2, 2]],
}


@pytest.fixture(params=["network", "ensemble"])
def model(request):
    keras.utils.set_random_seed(0)
    if request.param == "network":
        return ResNet3D(**ARGUMENTS)
    return Ensemble3D({"class": "ResNet3D", "arguments": ARGUMENTS}, num_members=2)


def batch():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 8, 8, 8, 1)).astype(np.float32)
    return x, np.ones((2, 1), np.float32)


def test_freezing_spares_the_head_of_every_member(model):
    freeze(model, but="head")
    names = {weight.path.split("/")[-2] for weight in model.trainable_weights}
    assert names == {"head"}
    members = getattr(model, "members", (model,))
    assert len(model.trainable_weights) == 2 * len(members)
    with pytest.raises(InputError, match="but="):
        freeze(model, but="no_such_layer")


def test_features_are_what_the_layer_gives(model):
    x, _ = batch()
    found = features(model).predict(x, verbose=0)
    members = getattr(model, "members", (model,))
    wanted = [
        keras.Model(m.inputs, m.get_layer("features").output).predict(x, verbose=0)
        for m in members
    ]
    np.testing.assert_allclose(found, np.mean(wanted, axis=0), atol=1e-5)
    with pytest.raises(InputError, match="layer="):
        features(model, "no_such_layer")


def test_features_of_a_part_that_is_a_model_itself():
    autoencoder = ConvolutionalAutoencoder3D(
        input_shape=[8, 8, 8, 1], latent_dim=4, filters=[3], strides=[[2, 2, 2]]
    )
    x, _ = batch()
    code = autoencoder.encoder.predict(x, verbose=0)
    # Calls in other graphs are not those of the model.
    autoencoder.encoder(keras.Input([8, 8, 8, 1]))

    found = [features(autoencoder, n) for n in ("encoder", "decoder")]

    assert code.shape == (2, 4)
    whole = autoencoder.predict(x, verbose=0)
    for part, wanted in zip(found, (code, whole), strict=True):
        np.testing.assert_allclose(part.predict(x, verbose=0), wanted, atol=1e-6)


def test_a_loaded_model_trains_on_as_the_saved_one(model, tmp_path):
    x, y = batch()
    freeze_normalizations(model)
    model.compile(keras.optimizers.AdamW(1e-2), "mae")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    for one in (model, loaded):
        keras.utils.set_random_seed(1)
        one.fit(x, y, epochs=2, verbose=0, shuffle=False)
    for one, other in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-6)
