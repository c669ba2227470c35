"""What is published: a wheel and an sdist that hold the zoo and work offline."""

import json
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from medzoo.io import write

pytestmark = pytest.mark.extended

CHECKOUT = Path(__file__).parents[1]
ZOO = CHECKOUT / "zoo_models"
SCRATCH = {"runs", "data", "__pycache__"}

# Loaded by a .pth file whenever the new environment's Python starts: no network.
# (A sitecustomize would be hidden by the one that Debian's Python has.)
NO_NETWORK = """
import socket
def refuse(*arguments, **options):
    raise OSError("the network was used")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.create_connection = socket.getaddrinfo = refuse
"""
PREDICT = """
import json, sys
import medzoo
answers = {
    name: medzoo.load(name).predict_volume(sys.argv[1]).to_dict()
    for name in medzoo.list_models()
}
print(json.dumps({"file": medzoo.__file__, "answers": answers}))
"""


def published_names():
    """Paths of the zoo's files, relative to zoo_models, that a release must hold."""
    return {
        path.relative_to(ZOO).as_posix()
        for path in ZOO.rglob("*")
        if path.is_file() and not SCRATCH & set(path.relative_to(ZOO).parts)
    }


def python(interpreter, *arguments, **options):
    done = subprocess.run(
        [interpreter, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with the sdist, and with the wheel that was built from it."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    python(sys.executable, "-m", "build", "--no-isolation", "-o", folder, CHECKOUT)
    return folder


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    """Python of an empty environment that holds medzoo, and no other checkout of it.

    Its dependencies are those of the environment that runs the tests: a path file
    lends them, and the .pth files in there (editable installs) do not count.
    """
    folder = tmp_path_factory.mktemp("installed")
    python(sys.executable, "-m", "venv", "--without-pip", folder)
    interpreter = folder / "bin" / "python"
    wheel = next(dist.glob("*.whl"))
    install = ("-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps")
    python(sys.executable, *install, "--no-index", wheel)
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    lent = sysconfig.get_path("purelib")
    (site / "lent.pth").write_text(f"{lent}\nimport refuse_network\n")
    (site / "refuse_network.py").write_text(NO_NETWORK)
    return interpreter


@pytest.fixture
def outside(installed, tmp_path):
    """A function that runs the new environment's Python in an empty folder."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("PYTHON")
    }
    environment |= {"HF_HUB_OFFLINE": "1", "MEDZOO_CACHE": str(tmp_path / "cache")}

    def run(*arguments):
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return python(installed, *arguments, cwd=folder, env=environment)

    return run


def test_wheel_holds_the_package_the_zoo_and_the_licence(dist):
    names = set(zipfile.ZipFile(next(dist.glob("*.whl"))).namelist())
    assert {f"medzoo/_zoo_models/{name}" for name in published_names()} <= names
    package = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "medzoo").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if SCRATCH & set(Path(name).parts[2:-1])]
    assert {Path(name).parts[0].split("-")[0] for name in names} == {"medzoo"}


def test_wheel_and_sdist_hold_the_3d_viewer_where_npm_can_fetch_it(dist):
    asked = ["npm", "view", "--fetch-retries=0", "@niivue/niivue", "name"]
    if shutil.which("npm") is None or subprocess.run(asked, check=False).returncode:
        pytest.skip("npm is not installed, or has no network")
    wheel = zipfile.ZipFile(next(dist.glob("*.whl"))).namelist()
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        sdist = archive.getnames()
    for names in (wheel, sdist):
        assert any(name.endswith("medzoo/serve/page/niivue.js") for name in names)


def test_sdist_holds_what_the_wheel_and_the_tests_need(dist):
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"zoo_models/{name}" for name in published_names()} <= names
    needed = {"pyproject.toml", "README.md", "LICENSE", "tests/test_wheel.py"}
    assert needed <= names


def test_network_is_refused_in_there(outside):
    code = "import urllib.request as u; u.urlopen('https://example.org')"
    with pytest.raises(AssertionError, match="the network was used"):
        outside("-c", code)


def test_every_model_predicts_from_the_wheel_offline(
    outside, installed, head_phantom, tmp_path
):
    scan = write(head_phantom(2.0, "LPS", noise=3.0), tmp_path / "head.nii.gz")
    last_line = outside("-c", PREDICT, scan).splitlines()[-1]
    answer = json.loads(last_line)
    assert Path(answer["file"]).is_relative_to(installed.parents[1])
    checkout = {path.parent.name for path in ZOO.glob("*/recipe.json")}
    assert checkout
    assert set(answer["answers"]) == checkout
    for name, content in answer["answers"].items():
        numbers = list(numbers_in(content))
        assert numbers, name
        assert all(map(math.isfinite, numbers)), name


def test_the_command_is_installed(outside, installed):
    script = Path(installed).with_name("medzoo")
    listed = outside(script, "list")
    for path in ZOO.glob("*/recipe.json"):
        assert path.parent.name in listed


def numbers_in(content):
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from numbers_in(item)
    elif isinstance(content, int | float):
        yield content
