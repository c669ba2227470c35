"""The table of tasks: all have the same functions, and no other file names one."""

import ast
from pathlib import Path

import pytest

import medzoo
from medzoo.data.feeds.tasks import TASKS

DATA = Path(medzoo.__file__).parent / "data"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_a_module_of_its_name_with_all_functions(task):
    module = TASKS[task]
    assert module.__name__ == f"medzoo.data.feeds.{task}"
    for name in ("usable_cases", "split", "prepared_cases", "batches"):
        assert callable(getattr(module, name))


def test_no_other_file_of_data_names_a_task():
    naming = {
        path.relative_to(DATA).as_posix()
        for path in DATA.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in TASKS
    }
    assert naming == {"feeds/tasks.py"}
