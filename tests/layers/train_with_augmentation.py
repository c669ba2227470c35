"""Run by test_chains.py, on JAX in a process of its own: fit with augmentation.

Under any backend: the model is compiled by it, run_eagerly off, jit_compile on.
"""

import keras
import numpy as np

import medzoo
from medzoo import layers

SHAPE = (8, 9, 7)


def chain():
    return [
        layers.RandomFlip3D(seed=1),
        layers.RandomSpatial3D(displacement=1.5, seed=2),
        layers.RandomBiasField(seed=3),
        layers.RandomNoise(seed=4),
        layers.RandomGamma(seed=5),
        layers.RandomCrop3D(6, seed=6),
    ]


def make_case(count=4):
    labels = np.random.default_rng(0).integers(0, 3, (count, *SHAPE, 1))
    return {
        "images": 1 + labels.astype("f4"),
        "segmentation_masks": labels.astype("i4"),
        "weights": labels.astype("f4") / 10,
    }


def dict_model(chain):
    inputs = {
        key: keras.Input(value.shape[1:], dtype=value.dtype, name=key)
        for key, value in make_case().items()
    }
    return keras.Model(inputs, keras.layers.Pipeline(chain)(inputs))


def fit():
    data = make_case()
    inputs = keras.Input((*SHAPE, 1))
    x = inputs
    for layer in [layers.Resizing3D((9, 9, 9)), *chain()]:
        x = layer(x)
    x = keras.layers.Conv3D(2, 3, activation="relu")(x)
    outputs = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling3D()(x))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse", jit_compile=True)

    history = model.fit(data["images"], np.arange(4.0), batch_size=2, verbose=0)
    predicted = model.predict(data["images"], batch_size=2, verbose=0)

    if not np.isfinite(history.history["loss"]).all() or predicted.shape != (4, 1):
        raise SystemExit(f"bad fit: {history.history}, {predicted}")
    # At inference nothing is drawn.
    np.testing.assert_array_equal(
        predicted, model.predict(data["images"], batch_size=2, verbose=0)
    )
    print("fitted")  # noqa: T201 -- read by the test


def compare():
    data = expected = make_case()
    for layer in chain():
        expected = layer(expected, training=True)
    found = medzoo.CompiledPipeline(chain())(data)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-4)
    print("compiled pipeline agrees")  # noqa: T201 -- read by the test


if __name__ == "__main__":
    fit()
    compare()
