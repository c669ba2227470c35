"""The tree itself: sizes, names, and nothing in it that belongs to one machine."""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MAX_FILE_LINES = 400
MAX_PACKAGE_FILE_LINES = 350
MAX_MEDIAN_LINES = 120
MAX_FUNCTION_LINES = 40
MAX_BYTES = 1_000_000
# What names a place in a tree, not a thing, or would fit any file.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
EMPTY_NAMES |= {"content", "records", "modes", "measured", "earlier", "several"}
EMPTY_NAMES |= {"cost", "views", "sources"}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|mnt|opt|srv)/[\w.]")
IMAGE_SUFFIXES = (".nii", ".nii.gz", ".mha", ".nrrd", ".mgz", ".dcm", ".hdr", ".img")


def tree():
    """Every file that git has or would take, relative to the checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    names = listing.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (CHECKOUT / name).is_file()]


def python_files():
    return [path for path in tree() if path.suffix == ".py"]


def code_lines(function):
    """Lines of a function's body: without its signature and its docstring."""
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        return function.end_lineno - first.end_lineno
    return function.end_lineno - first.lineno + 1


def test_the_tree_is_listed():
    assert Path("pyproject.toml") in tree()


def lines_of_files():
    return {
        path: len((CHECKOUT / path).read_text(encoding="utf-8").splitlines())
        for path in python_files()
    }


def test_no_python_file_is_longer_than_400_lines_of_the_package_350():
    long = []
    for path, count in lines_of_files().items():
        in_package = path.parts[0] == "medzoo"
        if count > (MAX_PACKAGE_FILE_LINES if in_package else MAX_FILE_LINES):
            long.append(f"{path}: {count}")
    assert long == []


def test_half_of_the_files_of_the_package_are_under_120_lines():
    counts = [n for path, n in lines_of_files().items() if path.parts[0] == "medzoo"]
    assert statistics.median(counts) < MAX_MEDIAN_LINES


def test_no_function_of_the_package_is_longer_than_40_lines():
    long = []
    for path in python_files():
        if path.parts[0] != "medzoo":
            continue
        for node in ast.walk(ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (
                code_lines(node) > MAX_FUNCTION_LINES
            ):
                long.append(f"{path}:{node.lineno} {node.name}")
    assert long == []


def test_every_name_says_what_it_gives():
    empty = [
        str(path)
        for path in tree()
        if {Path(part).stem.lower() for part in path.parts} & EMPTY_NAMES
    ]
    assert empty == []


def test_no_file_names_a_path_of_one_machine():
    found = []
    for path in tree():
        content = (CHECKOUT / path).read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{path}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize("text", ["= /home" + "/me/x", '"/root' + '/.cache"'])
def test_a_path_of_one_machine_is_found(text):
    assert MACHINE_PATH.search(text)


def test_no_scan_and_no_large_file_outside_the_zoo():
    scans = [str(p) for p in tree() if p.name.lower().endswith(IMAGE_SUFFIXES)]
    large = [
        str(path)
        for path in tree()
        if path.parts[0] != "zoo_models"
        and (CHECKOUT / path).stat().st_size > MAX_BYTES
    ]
    assert (scans, large) == ([], [])


def test_the_commands_of_the_readme_are_targets_of_the_makefile():
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for target in ("demo", "test", "test-all"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_ci_runs_every_test_once():
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    lines = script.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("make")] == [
        "make test",
        "make test-all",
    ]
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    chosen = re.findall(r'\$\(PYTEST\) -m "(.*)"', makefile)
    # What the one leaves out the other runs.
    assert chosen == ["not ($(EXTENDED))", "$(EXTENDED)"]
