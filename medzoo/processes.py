"""Processes beside this one, which do not run the user's script again."""

import pickle
import sys
import threading
import types
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

_starting = threading.Lock()


def pool_of_processes(count: int, *travels: Any) -> ProcessPoolExecutor:
    """Makes a pool of processes for functions of importable modules.

    Python's own spawned processes run the script that made them once more, up to its
    `if __name__ == "__main__":`; a script without one starts all over in each of them,
    and the pool breaks. These do not, unless something that travels to them was
    defined in the script. Nothing is forked: TensorFlow's threads do not survive it.

    Args:
        count: Processes.
        travels: What the processes will be handed.
    """
    needs_script = b"__main__" in pickle.dumps(travels)
    context = SpawnContext() if needs_script else ApartContext()
    return ProcessPoolExecutor(count, mp_context=context)


class ApartProcess(SpawnProcess):
    """A spawned process that is not told of the script."""

    def start(self) -> None:
        """Starts it, while `__main__` looks like that of a console: without a file."""
        with _starting:
            script = sys.modules["__main__"]
            sys.modules["__main__"] = types.ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = script


class ApartContext(SpawnContext):
    """Makes processes that are not told of the script."""

    Process = ApartProcess
