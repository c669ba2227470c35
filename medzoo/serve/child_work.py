"""What the child processes do: the loop that takes requests, and names of the work."""

import os
import signal
import threading
from importlib import import_module
from multiprocessing import parent_process
from typing import Any

from medzoo.serve.error_lines import error_line

# Work -> the module whose function of that name does it; the process that reads
# uploads needs none of what models need.
WORK = {
    "explain": "medzoo.serve.explanation",
    "inspect": "medzoo.serve.inspection",
    "predict": "medzoo.serve.prediction",
    "warm_up": "medzoo.serve.prediction",
}


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """The work is not wanted any more."""


class Talk:
    """What work says while it is done, and whether it is still wanted.

    Args:
        connection: To the server.
        stop: Event between the processes.
    """

    def __init__(self, connection: Any, stop: Any) -> None:
        self._connection = connection
        self._stop = stop

    def say(self, **message: object) -> None:
        """Sends a message.

        Raises:
            Stopped: The work is not wanted any more.
        """
        if self._stop.is_set():
            raise Stopped
        self._connection.send(("said", message))


def serve_requests(connection: Any, stop: Any) -> None:
    """Takes requests until the server closes the connection, or ends.

    Args:
        connection: Pipe of (work, arguments); answers are (kind, value).
        stop: Event, set to have the current work given up.
    """
    # Ctrl-C in a terminal reaches every process of its group; the server tells ours.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    talk = Talk(connection, stop)
    while True:
        try:
            work, arguments = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(_answer(talk, work, arguments))


def _answer(talk: Talk, work: str, arguments: dict) -> tuple[str, Any]:
    try:
        function = getattr(import_module(WORK[work]), work)
        return "returned", function(talk, **arguments)
    except Stopped:
        return "cancelled", None
    except Exception as error:  # noqa: BLE001 - whatever it is, the server waits
        return "failed", error_line(error, arguments.get("images", {}))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
