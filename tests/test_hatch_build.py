"""The build hook: NiiVue comes out of its npm package, pinned, or is left out."""

import hashlib
import importlib.util
import io
import os
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("hatchling")

HOOK = Path(__file__).parents[1] / "hatch_build.py"
CONTENT = b"var niivue = {};"
# What stands for npm: packs what is beside it, and notes that it was asked.
NPM = """#!{python}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
(here / "asked").write_text(" ".join(sys.argv[1:]))
folder = sys.argv[sys.argv.index("--pack-destination") + 1]
if not (here / "package.tgz").is_file():
    sys.exit("npm error network request to the registry failed")
shutil.copy(here / "package.tgz", folder)
"""


@pytest.fixture
def hook(monkeypatch, tmp_path):
    """The hook for a tree in `root`, with what it warned of in `said`."""
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    place = tmp_path / "root" / module.PLACE
    place.parent.mkdir(parents=True)
    said = []
    app = SimpleNamespace(display_warning=said.append)

    def build():
        made = module.BuildHook(
            str(tmp_path / "root"), {}, None, None, str(tmp_path), "wheel", app
        )
        made.initialize("standard", {})

    return SimpleNamespace(build=build, place=place, said=said, module=module)


@pytest.fixture
def npm(monkeypatch, tmp_path):
    """A folder with a program npm, the only one that is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "npm"
    program.write_text(NPM.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/nowhere")
    return folder


def pack(folder, content, name="package/dist/niivue.umd.js"):
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def test_the_file_comes_out_of_the_package_once(hook, npm):
    pack(npm, CONTENT)
    hook.build()

    assert hook.place.read_bytes() == CONTENT
    assert (npm / "asked").read_text().endswith(hook.module.PACKAGE)
    (npm / "asked").unlink()
    hook.build()
    assert not (npm / "asked").exists()
    assert hook.said == []
    # Nothing half-written stays beside it.
    assert [path.name for path in hook.place.parent.iterdir()] == [hook.place.name]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"alert(1)", "package/dist/niivue.umd.js", "another"),
        (CONTENT, "package/other.js", "KeyError"),
        (None, None, "registry failed"),
    ],
)
def test_another_file_or_no_network_leaves_it_out(hook, npm, content, name, reason):
    if content is not None:
        pack(npm, content, name)
    hook.build()

    assert list(hook.place.parent.iterdir()) == []
    (said,) = hook.said
    assert "without NiiVue" in said
    assert reason in said


def test_without_npm_the_build_goes_on(hook, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    hook.build()

    assert not hook.place.exists()
    assert len(hook.said) == 1


def test_the_file_is_ignored_by_git_and_taken_by_the_build():
    root = HOOK.parent
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert f"/{module.PLACE}" in (root / ".gitignore").read_text().splitlines()
    assert f'artifacts = ["{module.PLACE}"]' in (root / "pyproject.toml").read_text()
    notice = (root / module.PLACE).with_name("niivue.licences.txt").read_text()
    assert module.PACKAGE.rpartition("@")[2] in notice
