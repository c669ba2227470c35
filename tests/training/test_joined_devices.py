"""Several processes that train together give what one gives."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import CHECKOUT
from tests.training.conftest import tiny_recipe, without_augmentation
from tests.training.steps_on_devices import farthest, predictions_in, weights_in

pytestmark = pytest.mark.extended
CLOSE, YEARS = 1e-4, 1e-3


@pytest.fixture
def model(tmp_path):
    """A folder with a recipe to train."""
    recipe = without_augmentation(tiny_recipe(epochs=3, ema_momentum=0.5))
    member = recipe["architecture"]["arguments"]["member"]["arguments"]
    # Draws of dropout are a device's own.
    member.update(dropout_rate=0.0, normalization="batch", filters=[2, 3])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return folder


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def train(model, study, output, *arguments, processes=1, each=1, studies=None):
    """What tests/training/joined_training.py prints in each process."""
    address = f"127.0.0.1:{free_port()}"
    running = []
    for number in range(processes):
        together = {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
            "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
            "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
        }
        command = [sys.executable, "-m", "tests.training.joined_training"]
        cases = (studies or {}).get(number, study)
        # Each its own output: machines may have no disk in common.
        folder = output if number == 0 else f"{output}-of-{number}"
        running.append(
            subprocess.Popen(
                [*command, str(model), str(cases), str(folder), *arguments],
                env={
                    **os.environ,
                    "KERAS_BACKEND": "jax",
                    "JAX_PLATFORMS": "cpu",
                    "XLA_FLAGS": f"--xla_force_host_platform_device_count={each}",
                    **(together if processes > 1 else {}),
                },
                cwd=CHECKOUT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    printed = [process.communicate(timeout=900) for process in running]
    for process, (_, error) in zip(running, printed, strict=True):
        assert process.returncode == 0, error
    return [json.loads(out.splitlines()[-1]) for out, _ in printed]


def test_two_processes_give_what_one_gives_and_go_on_where_they_stopped(
    model, study, tmp_path
):
    (alone,) = train(model, study, tmp_path / "one")
    assert alone["ended"] == str(tmp_path / "one")
    stop = ["4", "fold 1, epoch 1/3"]
    stopped = train(model, study, tmp_path / "two", *stop, processes=2, each=2)
    # The signal came to the first process alone.
    assert [one["ended"].partition(":")[0] for one in stopped] == ["Terminated"] * 2
    assert any("on 4 devices of 2 processes" in line for line in stopped[0]["lines"])
    assert stopped[1]["lines"] == [
        line for line in stopped[0]["lines"] if " devices" in line
    ]
    # On another number of devices, where the second process has nothing of it.
    first, second = train(model, study, tmp_path / "two", processes=2)
    assert not any("fold 0, epoch" in line for line in first["lines"])
    assert any("fold 1, epoch 3/3" in line for line in first["lines"])
    assert not any("fold 1, epoch 2/3" in line for line in first["lines"])
    assert second["ended"] == f"{tmp_path / 'two'}-of-1"
    assert not (tmp_path / "two-of-1" / "recipe.json").exists()
    folders = [str(tmp_path / name) for name in ("one", "two")]
    assert farthest(*map(weights_in, folders)) < CLOSE
    assert farthest(*map(predictions_in, folders)) < YEARS
    # Something was learned.
    assert np.ptp(predictions_in(folders[0])[0]) > YEARS


def test_processes_with_other_cases_are_refused(model, study, tmp_path):
    other = study.with_name("fewer.csv")
    lines = study.read_text().splitlines()
    other.write_text("\n".join(lines[:-2]) + "\n")
    found = train(model, study, tmp_path / "two", processes=2, studies={1: other})
    for one in found:
        assert one["ended"].startswith("InputError: Processes that train together")
