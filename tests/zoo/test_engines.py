"""Every zoo model through every engine; files and tables through one by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import medzoo
from medzoo.inference.engine import engine_of
from medzoo.zoo.golden import golden_input
from medzoo.zoo.registry import list_models
from tests.conftest import run_eagerly

openvino = pytest.importorskip("openvino")

# bfloat16 keeps three digits of each number on its way.
ROUGH = 0.02


def has_bfloat16():
    """Whether OpenVINO computes in bfloat16 here; elsewhere it takes float32 for it."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize("name", list_models())
def test_every_model_answers_alike_through_openvino(name):
    ensemble = "num_members" in medzoo.info(name)["architecture"]["arguments"]
    # Its members have one topology; predictions of all of them are compared below.
    model = medzoo.load(name, **({"num_members": 1} if ensemble else {}))
    networks = [model]
    if model.recipe["task"] == "reconstruction":
        networks = [model.encoder, model.decoder]
    x = golden_input(model.input_shape[1:])
    softmax = model.recipe["task"] == "segmentation"
    for network in networks:
        with run_eagerly():  # traced for one batch it would take longer
            usual = engine_of(network, softmax=softmax)(x)
        exact, rough = (
            engine_of(network, name="openvino", precision=precision, softmax=softmax)(x)
            for precision in ("float32", "bfloat16")
        )
        extent = np.abs(usual).max()
        np.testing.assert_allclose(exact, usual, atol=1e-4 * extent)
        np.testing.assert_allclose(rough, usual, atol=ROUGH * extent)
        rougher = np.abs(rough - usual).max() > np.abs(exact - usual).max()
        assert rougher == has_bfloat16()
        x = usual


@pytest.mark.parametrize(
    ("name", "of_answer"),
    [
        pytest.param(
            "ixi_sex_resnet",
            lambda p: p.probabilities["female"],
            marks=pytest.mark.extended,
        ),
        ("ixi_representation_cae", lambda p: p.image.array),
    ],
)
def test_predictions_hardly_differ(name, of_answer, head_phantom):
    model = medzoo.load(name)
    image = head_phantom(spacing=3.0)
    with run_eagerly():
        usual = np.asarray(of_answer(model.predict_volume(image)))
    found = np.asarray(of_answer(model.predict_volume(image, engine="openvino")))
    np.testing.assert_allclose(found, usual, atol=1e-4 * max(1, np.abs(usual).max()))


# A published model takes seconds more for its two networks.
@pytest.mark.parametrize(
    "name",
    ["tiny_age", pytest.param("ixi_age_resnet", marks=pytest.mark.extended)],
)
def test_predict_by_name_takes_an_engine(name, models, tmp_path, head_phantom):
    name = str(models.get(name, name))
    path = tmp_path / "head.nii.gz"
    medzoo.write(head_phantom(spacing=3.0), path)
    with run_eagerly():
        (usual,) = medzoo.predict(name, [path])
    (found,) = medzoo.predict(name, [path], engine="openvino")
    assert found["value"] == pytest.approx(usual["value"], rel=1e-4)
    # What was exported meanwhile serves a process of its own, to which Keras is closed.
    program = (
        "import sys\n"
        "for name in ('keras', 'tensorflow'):\n"
        "    sys.modules[name] = None\n"
        "from medzoo.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "slow = {'scipy.signal', 'scipy.stats'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else code)\n"
    )
    given = ["predict", name, str(path), "--engine", "openvino", "--json"]
    result = subprocess.run(
        [sys.executable, "-P", "-c", program, *given],
        env={**os.environ, "PYTHONPATH": str(Path(medzoo.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)[0]["value"] == pytest.approx(found["value"])
    with pytest.raises(medzoo.errors.InputError, match="engine='abacus'"):
        medzoo.predict(name, [path], engine="abacus")
