"""The table of tasks: all have the same functions."""

import pytest

from medzoo.data.feeds.tasks import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_module_of_a_task_has_all_functions(task):
    for name in ("usable_cases", "split", "prepared_cases", "batches"):
        assert callable(getattr(TASKS[task], name))
