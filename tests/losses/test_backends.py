import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.losses.numbers_of_backend import numbers

ROOT = Path(__file__).parents[2]


@pytest.mark.extended
def test_jax_agrees_with_tensorflow():
    pytest.importorskip("jax")
    assert keras.backend.backend() == "tensorflow"
    command = [sys.executable, "-m", "tests.losses.numbers_of_backend"]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found, expected = json.loads(done.stdout), numbers()
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert np.isfinite(value)
        assert found[name] == pytest.approx(value, rel=1e-4), name
