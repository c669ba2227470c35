"""Many processes that fetch one model at once, and processes that are killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medzoo.zoo.fetch import fetch
from medzoo.zoo.hub import cache as cache_module
from medzoo.zoo.resolve import resolve
from tests.zoo.conftest import REPO

SOURCE = f"hf://{REPO}"
CHECKOUT = Path(__file__).parents[3]


def temporaries(folder):
    return list(folder.rglob(f"{cache_module.TEMPORARY_PREFIX}*"))


def test_leftovers_of_killed_processes_go_after_an_hour(hub, published, cache):
    path = fetch(SOURCE)
    old = path.with_name(".medzoo-0123456789abcdef.weights.h5")
    young = path.with_name(".medzoo-fedcba9876543210.weights.h5")
    folder = resolve(SOURCE).with_name(".medzoo-00")
    folder.mkdir()
    for leftover in (old, young):
        leftover.write_bytes(b"half")
    for leftover in (old, folder):
        os.utime(leftover, (time.time() - 4000,) * 2)
    path.unlink()
    fetch(SOURCE)

    assert temporaries(cache) == [young]


# Run by a fresh interpreter, without keras: forks, because starting twenty more
# interpreters is what would take the time.
CHILDREN = """
import fcntl, hashlib, os, pathlib, random, signal, sys, time
from medzoo.zoo.fetch import fetch
import huggingface_hub.hf_api  # once, before the forks
what, source, cache = sys.argv[1:]

def child():
    pid = os.fork()
    if pid == 0:
        try:
            fetch(source)
        except BaseException as fault:
            sys.stderr.write(f"{type(fault).__name__}: {fault}\\n")
            os._exit(1)
        os._exit(0)
    return pid

def check():
    for path in pathlib.Path(cache, "models").glob("*/*/*.h5"):
        if not path.name.startswith("."):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest == path.parent.name, path

if what == "no locks":
    fcntl.flock = fcntl.lockf = lambda *arguments: None
if what == "kill":
    draw = random.Random(1)
    killed = 0
    for _ in range(20):
        pid = child()
        time.sleep(draw.uniform(0.0, 0.25))
        os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        check()
    print(killed)
else:
    codes = [os.waitpid(pid, 0)[1] for pid in [child() for _ in range(8)]]
    assert codes == [0] * 8, codes
assert "keras" not in sys.modules
check()
"""


def run_children(hub, cache, what):
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN, what, SOURCE, str(cache)],
        cwd=CHECKOUT,
        env={**os.environ, "HF_ENDPOINT": hub.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["locks", "no locks"])
def test_eight_processes_fetch_one_model_at_once(hub, published, weights, cache, what):
    hub.slow = 0.01
    run_children(hub, cache, what)

    assert len(hub.gets("/cdn/")) > 1  # they did meet
    found = list((cache / "models").rglob("*"))
    assert [p.read_bytes() for p in found if p.is_file()] == [weights]
    assert temporaries(cache) == []


def test_killed_at_twenty_moments(hub, published, weights, cache):
    hub.slow = 0.01
    assert int(run_children(hub, cache, "kill")) >= 3

    assert fetch(SOURCE).read_bytes() == weights
    for leftover in temporaries(cache):
        os.utime(leftover, (time.time() - 4000,) * 2)
    cache_module.sweep()
    assert temporaries(cache) == []
