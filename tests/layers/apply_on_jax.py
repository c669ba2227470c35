"""Run by test_backends.py in a process with KERAS_BACKEND=jax: given draws, applied.

Usage: apply_on_jax.py FOLDER, which holds a `<case>.json` (the serialised layer) and a
`<case>.npz` (what it is called with and what was drawn) a case. Writes a
`<case>_jax.npz` beside them: results of eager and of compiled code, and how the
layer's own draw on JAX is made up.
"""

import json
import sys
from pathlib import Path

import jax
import keras
import numpy as np

import medzoo.layers  # noqa: F401 -- registers the layers


def main(folder):
    # Compiling is nearly all of the time that this takes.
    jax.config.update("jax_disable_most_optimizations", True)
    for path in sorted(folder.glob("*.json")):
        layer = keras.saving.deserialize_keras_object(json.loads(path.read_text()))
        with np.load(path.with_suffix(".npz")) as file:
            stored = dict(file)
        data, drawn = part(stored, "data"), part(stored, "drawn") or None

        def apply(data, drawn, layer=layer):
            return layer.apply_transformation(data, drawn, training=True)

        def draw(data, layer=layer):
            return layer.get_random_transformation(data, training=True, seed=7)

        results = {
            "eager": apply(data, drawn),
            "compiled": jax.jit(apply)(data, drawn),
            "own": jax.jit(draw)(data) or {},
        }
        np.savez(
            path.with_name(f"{path.stem}_jax.npz"),
            **{
                f"{kind}/{key}": np.asarray(value)
                for kind, values in results.items()
                for key, value in values.items()
            },
        )


def part(stored, kind):
    return {
        key.removeprefix(f"{kind}/"): value
        for key, value in stored.items()
        if key.startswith(f"{kind}/")
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
