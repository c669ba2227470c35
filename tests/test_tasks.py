"""A task has one home on each floor: a module of its name, listed in one table."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import medzoo
from medzoo.zoo.recipe.tasks import TASKS

PACKAGE = Path(medzoo.__file__).parent
# The folders in which every task has a module, and the tables that list the tasks.
HOMES = ("data/feeds", "inference", "training", "evaluation", "reporting")
TABLES = (*(f"{home}/tasks.py" for home in HOMES), "zoo/recipe/tasks.py")
# Floors that may name a task nowhere else. Not metrics, whose modules are called alike.
FLOORS = ("batch", "cli", "data", "datasets", "drawing", "evaluation", "inference")
FLOORS += (
    "explanation",
    "io",
    "layers",
    "losses",
    "models",
    "reporting",
    "spatial",
    "training",
)
FLOORS += ("serve", "zoo")
MODULES = {
    f"medzoo.{home.replace('/', '.')}.{task}": task for home in HOMES for task in TASKS
}


def names_of_tasks(source):
    """The lines of a file that name a task: as a text, or by importing its module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in TASKS:
            found.append(f"{node.lineno}: {node.value!r}")
        if isinstance(node, ast.ImportFrom):
            modules = {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
            found += [f"{node.lineno}: {m}" for m in sorted(modules & MODULES.keys())]
    return found


def files_of(floor):
    """The files of a floor that may not name a task."""
    return [
        path
        for path in sorted((PACKAGE / floor).rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in TABLES and path.stem not in TASKS
    ]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_file_names_a_task_but_the_table_and_the_module_of_the_task(floor):
    files = files_of(floor)
    assert files
    named = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in files
        for line in names_of_tasks(path.read_text(encoding="utf-8"))
    ]
    assert named == []


@pytest.mark.parametrize(
    "source",
    [
        "if recipe['task'] == 'regression':\n    pass",
        "TABLE = {'segmentation': 1}",
        "def f():\n    from medzoo.training.super_resolution import X",
        "from medzoo.training import classification",
        "from medzoo.data.feeds.segmentation import prepared_cases",
    ],
)
def test_the_name_of_a_task_is_found(source):
    assert len(names_of_tasks(source)) == 1


@pytest.mark.parametrize("table", TABLES)
def test_the_table_of_a_floor_lists_every_task(table):
    module = ".".join(("medzoo", *Path(table).with_suffix("").parts))
    listed = import_module(module).TASKS
    assert list(listed) == list(TASKS)
    for task, entry in listed.items():
        if Path(table).parent.as_posix() in HOMES:
            name = getattr(entry, "__module__", None) or entry.__name__
            assert name == f"{module.rpartition('.')[0]}.{task}"
