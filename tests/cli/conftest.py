"""A checkout of its own with a zoo of three models, run as a user runs the command."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import medzoo
from medzoo.cli.main import main

EXAMPLE = Path(__file__).parents[1] / "zoo" / "example_recipe.json"


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of the package beside a pyproject.toml and a zoo of three models."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "_zoo_models")
    package = Path(medzoo.__file__).parent
    shutil.copytree(package, folder / "medzoo", ignore=ignored)
    (folder / "pyproject.toml").touch()
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    for name in ("tiny_age", "tiny_age_two", "knee"):
        model = folder / "zoo_models" / name
        model.mkdir(parents=True)
        text = json.dumps({**recipe, "name": name})
        (model / "recipe.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def medzoo_command(checkout):
    """A function that runs `python -m medzoo ARGUMENTS` on that checkout."""

    def run(*arguments, **options):
        # -P and PYTHONPATH: this copy, whatever is installed and where we stand.
        return subprocess.run(
            [sys.executable, "-P", "-m", "medzoo", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,
        )

    return run


@pytest.fixture
def model(checkout):
    return checkout / "zoo_models" / "tiny_age"


@pytest.fixture
def given(monkeypatch):
    """A function that runs a command and gives what its public function is called with.

    The function itself does nothing, and gives a value of its own.
    """

    def run(*arguments, gives=None):
        calls = []

        def public(*positional, **keywords):
            calls.append((positional, keywords))
            return gives

        module, name = medzoo._PUBLIC[arguments[0]]
        monkeypatch.setattr(import_module(module), name, public)
        assert main(list(map(str, arguments))) == 0
        (call,) = calls
        return call

    return run


def error_line(capsys):
    """Gives what stands on stderr, which must be one line, with nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("medzoo: error: ")
    return err
