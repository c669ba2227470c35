"""The tests of a module are found by its name, in the folder that mirrors its own.

They stand in `test_<module>.py` or `test_<module>_<subject>.py`, or use one of its
names there. What only serves its neighbours is tested through those that import it.
"""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "medzoo"
# The whole package, its pages and commands; nothing that one module does.
OF_THE_WHOLE = {"benchmarks", "conftest", "docs", "hatch_build", "import"}
OF_THE_WHOLE |= {"hostile_input", "layering"}
OF_THE_WHOLE |= {
    "mirror",
    "notebooks",
    "random_use",
    "scans_page",
    "site",
    "tasks",
    "tree",
}
OF_THE_WHOLE |= {"typing", "wheel", "window_benchmarks"}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def modules():
    """Path of every module, relative to the package."""
    paths = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    return [p for p in paths if not p.stem.startswith("__") and p.stem != "_version"]


def public_names(path):
    """Functions, classes and constants of a module."""
    names = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def imported(path):
    """Dotted names that a file imports, with what it takes out of them."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def dotted(module):
    return ".".join(["medzoo", *module.with_suffix("").parts])


def named_in_tests(module):
    """Whether a test in the mirrored folder has the module's name or uses its names."""
    folder = TESTS / module.parent
    names = "|".join(map(re.escape, {dotted(module), *public_names(PACKAGE / module)}))
    used = re.compile(rf"\b(?:{names})\b")
    for test in folder.glob("*.py") if folder == TESTS else folder.rglob("*.py"):
        if f"{test.stem}_".startswith(f"test_{module.stem}_"):
            return True
        if used.search(test.read_text(encoding="utf-8")):
            return True
    return False


def test_every_module_has_tests_where_its_name_says():
    every = {dotted(module): module for module in modules()}
    tested = {name for name, module in every.items() if named_in_tests(module)}
    assert len(tested) > len(every) / 2
    waiting = list(tested)
    while waiting:
        user = every[waiting.pop()]
        parts = imported(PACKAGE / user) & every.keys() - tested
        # A part of its room: the same folder at the top, or no folder at all.
        parts = {name for name in parts if every[name].parts[0] == user.parts[0]}
        tested |= parts
        waiting += parts
    assert sorted(every.keys() - tested) == []


def test_every_folder_of_tests_mirrors_one_of_the_package():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert {str(f) for f in folders if not (PACKAGE / f).is_dir()} == set()


def test_tests_beside_the_folders_are_of_a_module_or_of_the_whole():
    stems = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    assert {s for s in stems - OF_THE_WHOLE if not (PACKAGE / f"{s}.py").is_file()} == (
        set()
    )
