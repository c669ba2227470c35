"""A task has one home on each floor: a module of its name, listed in one table."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import medzoo
from medzoo.zoo.recipe.tasks import TASKS

PACKAGE = Path(medzoo.__file__).parent
# Floor -> the module with its table `TASKS`, and whether every task has a module there.
FLOORS = {
    "training": ("training/tasks.py", True),
    "zoo": ("zoo/recipe/tasks.py", False),
    "evaluation": ("evaluation/tasks.py", True),
    "reporting": ("reporting/tasks.py", True),
}


def names_of_tasks(source, floor):
    """The lines of a file that name a task: as a text, or by importing its module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in TASKS:
            found.append(f"{node.lineno}: {node.value!r}")
        if isinstance(node, ast.ImportFrom):
            own = (node.module or "").rpartition(f"medzoo.{floor}.")[2]
            names = {own, *(a.name for a in node.names if own == f"medzoo.{floor}")}
            found += [f"{node.lineno}: imports {n}" for n in sorted(names & set(TASKS))]
    return found


def files_of(floor):
    """The files of a floor that may not name a task."""
    table, _ = FLOORS[floor]
    return [
        path
        for path in sorted((PACKAGE / floor).rglob("*.py"))
        if path != PACKAGE / table and path.stem not in TASKS
    ]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_file_names_a_task_but_the_table_and_the_module_of_the_task(floor):
    files = files_of(floor)
    assert files
    named = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in files
        for line in names_of_tasks(path.read_text(encoding="utf-8"), floor)
    ]
    assert named == []


@pytest.mark.parametrize(
    "source",
    [
        "if recipe['task'] == 'regression':\n    pass",
        "TABLE = {'segmentation': 1}",
        "def f():\n    from medzoo.training.super_resolution import X",
        "from medzoo.training import classification",
    ],
)
def test_the_name_of_a_task_is_found(source):
    assert len(names_of_tasks(source, "training")) == 1


@pytest.mark.parametrize("floor", FLOORS)
def test_the_table_of_a_floor_lists_every_task(floor):
    table, has_modules = FLOORS[floor]
    module = ".".join(("medzoo", *Path(table).with_suffix("").parts))
    listed = import_module(module).TASKS
    assert list(listed) == list(TASKS)
    for task, entry in listed.items():
        if has_modules:
            assert entry.__module__ == f"{module.rpartition('.')[0]}.{task}"
