"""One draw does the same on TensorFlow and on JAX, eagerly and compiled."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.layers.apply_on_jax import part
from tests.layers.test_synthesis import label_map
from tests.layers.test_volume_layers import (
    CROPS,
    FIXED,
    RANDOM,
    SYNTHESIS,
    case,
    images_for,
    make,
)

pytestmark = pytest.mark.extended
HERE = Path(__file__).parent
# Arguments that take another way through a layer than those of the tables.
VARIANTS = {
    "CropOrPad3D": {"mode": "constant"},
    "RandomElasticTransform3D": {"fixed_border": True, "prevent_folding": True},
    "Resizing3D": {"factor": None, "size": [9, 7, 3], "interpolation": "nearest"},
    "RandomContrast3D": {"preserve_range": True},
    "RandomErasing3D": {"mask_value": 9, "weight_value": 0.0},
    "LabelToImage": {"zero_background": 0.0, "thick_slices": 1.0},
    "RandomLesions": {"contrast": [-0.5, -0.2], "near": []},
    "RandomLowResolution": {"anisotropic": False, "antialias": False},
    "RandomNoise": {"kind": "rician"},
    "RandomShiftIntensity": {"per_channel": True},
    "RescaleIntensity": {"percentiles": [0, 100], "in_range": [2, 7]},
    "ZScore": {"region": "mask"},
}
CASES = [
    *((name, {}) for name in (*RANDOM, *FIXED, *CROPS, *SYNTHESIS)),
    *VARIANTS.items(),
]


def case_name(name, changes):
    return "-".join([name, *map(str, changes)])


NAMES = [case_name(*one) for one in CASES]


def data_for(name, changes):
    data = case(3)
    data["images"] = images_for(name, 3)
    if name in SYNTHESIS:
        data = {"segmentation_masks": label_map(3)}
        data["images"] = np.repeat(1 + data["segmentation_masks"] % 5, 2, -1) / 2
    if name == "ZScore":
        data["segmentation_masks"] = data["segmentation_masks"] % 3
    if name == "RandomNoise":
        # Where images are negative the sign is kept, and 0 is background.
        data["images"] = np.round(data["images"] - 4)
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What TensorFlow drew and made, and what JAX made of the same draws."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares TensorFlow with JAX, started from TensorFlow")
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    folder = tmp_path_factory.mktemp("draws")
    for name, changes in CASES:
        layer, data = make(name, **changes), data_for(name, changes)
        drawn = layer.get_random_transformation(data, training=True, seed=11)
        found = layer.apply_transformation(data, drawn, training=True)
        stored = {"data": data, "drawn": drawn or {}, "found": found}
        path = folder / case_name(name, changes)
        path.with_suffix(".json").write_text(
            json.dumps(keras.saving.serialize_keras_object(layer))
        )
        np.savez(
            path.with_suffix(".npz"),
            **{
                f"{kind}/{key}": keras.ops.convert_to_numpy(value)
                for kind, values in stored.items()
                for key, value in values.items()
            },
        )
    subprocess.run(
        [sys.executable, HERE / "apply_on_jax.py", folder],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": str(HERE.parents[1]),
        },
        check=True,
        timeout=300,
    )
    return folder


def load(folder, name):
    with np.load(folder / f"{name}.npz") as here:
        stored = dict(here)
    with np.load(folder / f"{name}_jax.npz") as there:
        return stored, dict(there)


@pytest.mark.parametrize("kind", ["eager", "compiled"])
@pytest.mark.parametrize("name", NAMES)
def test_backends_agree_on_a_draw(folder, name, kind):
    stored, on_jax = load(folder, name)
    expected, found = part(stored, "found"), part(on_jax, kind)

    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        tolerance = 0 if key == "segmentation_masks" else 1e-4
        np.testing.assert_allclose(found[key], value, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_draws_are_made_up_alike(folder, name):
    stored, on_jax = load(folder, name)
    expected, found = part(stored, "drawn"), part(on_jax, "own")

    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {
        k: (v.shape, v.dtype) for k, v in expected.items()
    }
    assert all(len(value) == 3 for value in expected.values())
