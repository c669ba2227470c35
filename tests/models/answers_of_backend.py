"""Writes what the networks of a folder give on the backend that Keras runs on.

A script of its own, for the backend of a process cannot be changed. The folder holds
models.json and for every model an npz of its weights and an input.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import medzoo.models  # noqa: F401  (registers the classes)


def compiled(model, training):
    """The model as a function of its variables and the input, compiled on JAX."""

    def call(trainable, others, x):
        return model.stateless_call(trainable, others, x, training=training)[0]

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(call)
    return call


def answers(folder):
    """Yields a name and an array for every output of every model."""
    for case, saved in json.loads((folder / "models.json").read_text()).items():
        model = keras.saving.deserialize_keras_object(saved)
        data = np.load(folder / f"{case}.npz")
        model.set_weights([data[f"w{i}"] for i in range(len(model.weights))])
        state = [
            [v.value for v in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        for training in (False, True):
            found = compiled(model, training)(*state, data["x"])
            found = found["real"] if isinstance(found, dict) else found
            found = found if isinstance(found, list) else [found]
            for number, y in enumerate(found):
                name = f"{case}_{training}_{number}"
                yield name, keras.ops.convert_to_numpy(y)


if __name__ == "__main__":
    given = Path(sys.argv[1])
    backend = keras.backend.backend()
    np.savez(given / "result.npz", backend=backend, **dict(answers(given)))
