"""Free memory: what the system, the container and the process's own limit leave."""

import subprocess
import sys

import pytest

from medzoo.io.memory_limit import free_memory

CODE = """
import resource
from medzoo.io.memory_limit import free_memory
before = free_memory()
limit = 4 << 30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(free_memory() < limit, free_memory() <= before)
"""


def test_there_is_some():
    assert free_memory() > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_limit_of_the_process_counts():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]
