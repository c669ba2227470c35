"""A training on several devices is the training on one, step for step."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from medzoo import losses
from medzoo.cli.main import main
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.training.device_choice import devices_of
from medzoo.training.devices import OneDevice, parts_of, sees_whole_batch
from medzoo.training.mirrored_devices import MirroredDevices, share_of
from medzoo.training.parallel_devices import EvenParts
from medzoo.training.run_facts import begin_run
from tests.conftest import CHECKOUT

# Everything whose sums go over the batch: clipping, averages of weights and of batch
# normalisation, losses that mix volumes.
COMMON = {
    "epochs": 4,
    "learning_rate": 0.02,
    "warmup_epochs": 1.0,
    "clip_norm": 0.5,
    "ema_momentum": 0.6,
    "weight_decay": 0.1,
}
DICE = {"class": "DiceCrossentropy", "arguments": {"only_present": True}}
ACCUMULATED = {**COMMON, "gradient_accumulation": 3}
LOSSES_AGREE, LOWEST = 1e-4, 1e-3


def in_eight_processors(backend, *arguments):
    """What tests/training/steps_on_devices.py prints, as JSON gives it back."""
    flags = "--xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.steps_on_devices", *arguments],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": flags if backend == "jax" else "",
        },
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("backend", "cases"),
    [
        # All at once; what fails is found by the others. Of three devices batches of
        # 8, 7 and 6 take two, one and all; each more costs seconds of tracing.
        ("tensorflow", [(3, ACCUMULATED, DICE)]),
        pytest.param(
            "tensorflow",
            [
                (4, ACCUMULATED, DICE),
                (8, COMMON),
                (3, {**COMMON, "dtype": "mixed_float16"}),
            ],
            marks=pytest.mark.extended,
        ),
        pytest.param(
            "jax", [(4, ACCUMULATED, DICE), (8, COMMON)], marks=pytest.mark.extended
        ),
    ],
)
def test_twenty_steps_have_the_losses_of_one_device(backend, cases):
    for found in in_eight_processors(backend, "steps", json.dumps(cases)):
        assert found["loss"] < LOSSES_AGREE
        # All that a checkpoint holds, and what a training ends up with.
        assert found["state"] < LOSSES_AGREE
        # Something was learned, so that there was something to differ in.
        assert np.ptp(found["losses"]) > LOWEST


@pytest.mark.extended
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_folds_resume_on_another_number_of_devices(backend, study, tmp_path):
    found = in_eight_processors(backend, "resumed", str(study), str(tmp_path))
    assert found["stopped"]
    # Three devices until the stop, two after it.
    assert found["said"] == ["training on 3 devices", "training on 2 devices"]
    assert found["weights"] < LOSSES_AGREE
    # Years, of 20 to 80.
    assert found["out_of_fold"] < LOWEST


def test_parts_of_a_batch_are_equal():
    assert [parts_of(size, 4) for size in (1, 2, 3, 4, 6, 8)] == [1, 2, 1, 4, 2, 4]


@pytest.mark.parametrize(
    ("size", "devices", "processes", "parts"),
    [
        (8, 8, 2, 8),
        (2, 4, 2, 2),
        (6, 4, 4, 2),
        (7, 4, 2, 1),
        (8, 6, 3, 1),
        (9, 6, 3, 3),
    ],
)
def test_each_process_has_whole_parts_of_a_batch(size, devices, processes, parts):
    # Two parts over three processes would end within one of them.
    assert parts_of(size, devices, processes) == parts


@pytest.mark.parametrize(
    ("loss", "whole"),
    [
        (losses.Dice(), False),
        (losses.Dice(per_sample=False), True),
        (losses.DiceCrossentropy(only_present=True), True),
        (losses.GeneralizedDice(per_sample=False), True),
        (losses.BalancedCrossentropy(), True),
        (losses.PartialLabels(losses.Dice(per_sample=False)), True),
        (losses.PartialLabels(losses.Dice()), False),
        (keras.losses.MeanSquaredError(), False),
        (keras.losses.MeanSquaredError(reduction="sum"), True),
        (keras.losses.Dice(), True),
    ],
)
def test_losses_over_a_whole_batch_are_known(loss, whole):
    assert sees_whole_batch(loss) is whole
    # By its values: the mean of two halves is the loss, or it is not.
    generator = np.random.default_rng(0)
    truth = np.eye(3, dtype="float32")[generator.integers(0, 3, (4, 2, 3, 3))]
    truth[:2, ..., 1:] = 0
    logits = generator.normal(size=truth.shape).astype("float32")
    if isinstance(loss, keras.losses.Dice):
        logits = keras.ops.softmax(logits)
    halves = [float(loss(truth[i : i + 2], logits[i : i + 2])) for i in (0, 2)]
    differs = bool(abs(np.mean(halves) - float(loss(truth, logits))) > 1e-5)
    assert differs is whole


def test_losses_of_several_outputs_and_within_others():
    plain, summed = (
        losses.PartialLabels(losses.Dice(reduction=kind)) for kind in ("mean", "sum")
    )
    mixing = losses.Dice(per_sample=False)
    assert [sees_whole_batch([plain, loss]) for loss in (plain, mixing)] == [0, 1]
    assert share_of(plain, 4) == share_of([plain, plain], 4) == 1.0
    assert share_of(summed, 4) == share_of({"a": summed, "b": summed}, 4) == 0.25
    assert sees_whole_batch([summed]) is True
    with pytest.raises(InputError, match="Received: both"):
        share_of([plain, summed], 4)


def test_a_batch_that_devices_do_not_divide_is_repeated():
    layout = EvenParts(devices=[f"cpu:{i}" for i in range(4)]).get_data_layout((6, 5))
    assert layout.axes == ("batch", None)
    assert layout.device_mesh.shape == (2, 2)


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "2"])
def test_numbers_that_are_none_are_refused(wrong):
    with pytest.raises(InputError, match=f"devices={wrong!r}"):
        devices_of(wrong)


def test_devices_that_are_not_there_are_refused(study, tmp_path, capsys):
    assert isinstance(devices_of(None), OneDevice)
    there = len(MirroredDevices.names())
    command = ["train", "ixi_age_resnet", "--cases", str(study)]
    command += ["-o", str(tmp_path / "o"), "--devices", str(there + 1)]
    assert main(command) == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert f"devices={there + 1}, there are {there} " in line
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KERAS_DISTRIBUTION_NUM_PROCESSES", "2"), ("TF_CONFIG", '{"cluster": {}}')],
)
def test_a_process_of_several_is_refused(variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"train together.*{variable}"):
        devices_of(2)


def test_a_process_of_several_never_trains_alone(monkeypatch):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    with pytest.raises(InputError, match="KERAS_BACKEND=jax"):
        devices_of(None)
    # Of no use to TensorFlow where a training has one device.
    monkeypatch.delenv("KERAS_DISTRIBUTION_NUM_PROCESSES")
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {}}')
    assert isinstance(devices_of(None), OneDevice)


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InputError, match="backend torch"):
        devices_of(2)


def test_the_batch_of_all_devices_is_compared_before_resuming(study, recipe, tmp_path):
    cases = read_cases(study, recipe["channels"], target="age")
    begin_run(tmp_path, recipe, cases)
    recipe["training"]["batch_size"] = 8
    with pytest.raises(InputError, match=r"training\.batch_size=8 instead of 4"):
        begin_run(tmp_path, recipe, cases)
