"""Processes beside this one: they work for a script as it is written."""

import pickle
import subprocess
import sys

import pytest

from medzoo.processes import pool_of_processes

# What a user writes: no `if __name__ == "__main__":`.
SCRIPT = """
import numpy as np
from medzoo.data.cases.case import Case
from medzoo.data.store.prepared_cases import PreparedCases
from {module} import Numbers
print("script")
prepared = PreparedCases([Case(str(n), {{}}) for n in range(3)], Numbers())
prepared.prepare()
print([int(prepared.get(n)["image"][0]) for n in range(3)])
"""
NUMBERS = """
import numpy as np
from medzoo.data.store.prepared_cases import Preparation
class Numbers(Preparation):
    def facts(self, case, way=0):
        return []
    def __call__(self, case, way=0):
        return {"image": np.full(3, int(case.case_id))}
"""


def run(folder, text):
    """Runs a script; returns its lines."""
    script = folder / "script.py"
    script.write_text(text)
    command = [sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_script_is_not_run_again_in_each_process(tmp_path):
    (tmp_path / "numbers_of_mine.py").write_text(NUMBERS)
    lines = run(tmp_path, SCRIPT.format(module="numbers_of_mine"))
    assert lines == ["script", "[0, 1, 2]"]


def test_what_a_script_defines_still_travels(tmp_path):
    body = SCRIPT.format(module="__main__").replace("from __main__ import Numbers", "")
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    guarded = f'{NUMBERS}\nif __name__ == "__main__":\n{indented}\n'
    assert run(tmp_path, guarded) == ["script", "[0, 1, 2]"]


def test_the_script_is_there_again_afterwards():
    script = sys.modules["__main__"]
    with pool_of_processes(1) as pool:
        assert pool.submit(abs, -3).result() == 3
    assert sys.modules["__main__"] is script


def test_something_that_does_not_travel_is_refused_at_once():
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pool_of_processes(1, lambda: None)
