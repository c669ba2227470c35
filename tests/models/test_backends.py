"""Every network gives the same on TensorFlow and on JAX."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.models.test_every_class import CASES, EVERY, batch, disturbed, outputs

SCRIPT = Path(__file__).with_name("answers_of_backend.py")


@pytest.fixture(scope="module")
def other_backend(tmp_path_factory):
    """What JAX (or, where that is the backend, TensorFlow) gives for all cases."""
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    if importlib.util.find_spec(other) is None:
        pytest.skip(f"{other} is not installed")
    folder = tmp_path_factory.mktemp("backends")
    serialized, expected = {}, {}
    for case in CASES:
        model, x = disturbed(case), batch(case)
        serialized[case] = keras.saving.serialize_keras_object(model)
        weights = {f"w{i}": w for i, w in enumerate(model.get_weights())}
        np.savez(folder / f"{case}.npz", x=x, **weights)
        for training in (False, True):
            for i, y in enumerate(outputs(model, x, training)):
                expected[f"{case}_{training}_{i}"] = y
    (folder / "models.json").write_text(json.dumps(serialized))
    environment = {
        **os.environ,
        "KERAS_BACKEND": other,
        "JAX_PLATFORMS": "cpu",
        # Compiling takes far longer than running such small models.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)],
        env=environment,
        check=True,
    )
    result = dict(np.load(folder / "result.npz"))
    assert str(result.pop("backend")) == other
    assert set(result) == set(expected)
    return {key: (result[key], expected[key]) for key in expected}


@pytest.mark.extended
@EVERY
@pytest.mark.parametrize("training", [False, True])
def test_backends_agree(case, training, other_backend):
    pairs = [
        pair
        for key, pair in other_backend.items()
        if key.rsplit("_", 1)[0] == f"{case}_{training}"
    ]

    assert pairs
    for found, expected in pairs:
        assert np.ptp(expected) > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-4)
