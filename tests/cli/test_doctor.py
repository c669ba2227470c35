"""What `medzoo doctor` finds on a machine that is well, and on one that is not."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest

import medzoo.zoo.verify as verify_module
from medzoo.cli import doctor
from medzoo.cli.doctor import GIB, Check, examine

SUBJECTS = ["versions", "keras", "device", "processor", "memory", "extras", "cache"]
SUBJECTS += ["zoo", "disk", "environment"]


def one(subject, checks):
    return next(check for check in checks if check.subject == subject)


@pytest.fixture
def probe(monkeypatch):
    """A function that sets what the process answers that imports keras.

    The models are those of the cache alone: hashing the zoo takes seconds.
    """
    monkeypatch.setattr(verify_module, "list_models", list)

    def set_answer(stdout="", stderr="", returncode=0):
        done = SimpleNamespace(stdout=stdout, stderr=stderr, returncode=returncode)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)

    return set_answer


@pytest.mark.extended
def test_a_machine_that_is_well(run_medzoo):
    done = run_medzoo("doctor", "--json")
    checks = {row["subject"]: row for row in json.loads(done.stdout)}

    assert done.returncode == 0
    assert set(SUBJECTS) <= set(checks)
    assert checks["keras"]["found"].startswith("Keras 3")
    assert "6 models" in checks["zoo"]["found"]
    assert all(row["state"] != "fault" for row in checks.values())


def test_keras_is_asked_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(verify_module, "list_models", list)
    checks = examine()

    assert one("keras", checks).found.startswith("Keras 3")
    assert set(SUBJECTS) <= {check.subject for check in checks}


def test_the_table_has_a_line_a_check_and_the_advice_below(run_medzoo, monkeypatch):
    found = [Check("memory", "note", "1 GiB", "Close it."), Check("zoo", "ok", "fine")]
    monkeypatch.setattr(doctor, "examine", lambda **_: found)

    lines = run_medzoo("doctor").stdout.splitlines()

    assert [line.split() for line in lines] == [
        ["note", "memory", "1", "GiB"],
        ["->", "Close", "it."],
        ["ok", "zoo", "fine"],
    ]


def test_a_backend_that_does_not_start_is_a_fault(probe, run_medzoo):
    probe(stderr="Traceback\nImportError: no module named backend\n", returncode=1)
    done = run_medzoo("doctor")

    assert done.returncode == 1
    assert "FAULT  keras" in done.stdout
    assert "ImportError: no module named backend" in done.stdout


def test_a_processor_that_lacks_an_instruction_is_told(probe):
    probe(returncode=-4)
    found = one("keras", examine())

    assert found.state == "fault"
    assert "signal 4" in found.found
    assert "processor" in found.advice


def test_a_gpu_that_the_backend_does_not_see_is_told(probe, monkeypatch):
    probe(stdout='noise\n["3.15", "tensorflow", "float32", ["cpu:0"]]')
    monkeypatch.setattr(shutil, "which", lambda _: "nvidia-smi")
    found = one("device", examine())

    assert (found.state, found.found) == ("note", "CPU")
    assert "tensorflow[and-cuda]" in found.advice


def test_a_gpu_is_named(probe):
    probe(stdout='["3.15", "jax", "float32", ["gpu:0", "gpu:1"]]')

    assert one("device", examine()) == Check("device", "ok", "gpu:0, gpu:1")


def test_another_precision_of_keras_is_told(probe):
    probe(stdout='["3.15", "jax", "float16", []]')

    assert one("keras", examine()).state == "note"


def test_little_memory_and_little_room_are_told(probe, monkeypatch):
    probe(stdout='["3.15", "jax", "float32", []]')
    monkeypatch.setattr(doctor, "free_memory", lambda: GIB)
    usage = SimpleNamespace(free=GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    checks = examine()

    assert one("memory", checks).state == one("disk", checks).state == "note"


def test_damaged_weights_and_a_cache_that_is_a_file_are_faults(
    probe, tmp_path, monkeypatch
):
    probe(stdout='["3.15", "jax", "float32", []]')
    place = tmp_path / "cache"
    weights = place / "models" / "own" / ("0" * 64) / "own.weights.h5"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"no weights")
    monkeypatch.setenv("MEDZOO_CACHE", str(place))
    zoo = one("zoo", examine())
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path / "file"))

    assert zoo.state == "fault"
    assert "own.weights.h5" in zoo.found
    assert one("cache", examine()).state == "fault"


def test_settings_are_told_without_passwords(probe, monkeypatch):
    probe(stdout='["3.15", "jax", "float32", []]')
    monkeypatch.setenv("MEDZOO_MIRROR", "https://me:secret@mirror.example/zoo")
    found = one("environment", examine()).found

    assert "mirror.example/zoo" in found
    assert "secret" not in found
