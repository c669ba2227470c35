"""`medzoo train` where Keras runs on JAX and there is no TensorFlow."""

import json
import os
import subprocess
import sys

import pytest

from medzoo.zoo.load import load
from tests.conftest import CHECKOUT
from tests.training.tissue import scaled, tissue_recipe, true_classes

# Raises for whoever imports TensorFlow.
WITHOUT_TENSORFLOW = 'raise ImportError("there is none")\n'


@pytest.mark.extended
def test_training_on_jax_without_tensorflow(tmp_path, tissue_study, head_phantom):
    start = tmp_path / "start"
    start.mkdir()
    # Averaged weights: a prediction on JAX gives away memory that it was given.
    recipe = tissue_recipe(ema_momentum=0.9, clip_norm=1.0)
    # Each further layer is a second of compiling; test_backends.py has them all.
    options = recipe["training"]["options"]
    options.update(movement=None, margin=0)
    for name, source in options["sources"].items():
        source.update(rate=float(name == "manual"), synthesis_rate=0.0)
    (start / "recipe.json").write_text(json.dumps(recipe))
    (start / "codes.csv").write_text((tissue_study.parent / "codes.csv").read_text())
    (tmp_path / "tensorflow.py").write_text(WITHOUT_TENSORFLOW)
    command = [sys.executable, "-m", "medzoo", "train", str(start)]
    command += ["--cases", str(tissue_study), "-o", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{CHECKOUT}",
        },
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("validation: dice/mean") == 3

    truth = true_classes(head_phantom, spacing=6.0)
    scan = scaled(head_phantom(spacing=6.0, skull=False))
    found = load(tmp_path / "out").predict_volume(scan).labels
    assert (found.array == truth.array).mean() > 0.9
