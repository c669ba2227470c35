"""What the child processes do: the loop that takes requests, and the work itself."""

import os
import signal
import threading
from multiprocessing import parent_process
from typing import Any

from medzoo.batch.predictor import CASE_ERRORS
from medzoo.serve.inspection import inspect
from medzoo.serve.prediction import Stopped, error_line, predict, warm_up

WORK = {"inspect": inspect, "predict": predict, "warm_up": warm_up}


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
        try:
            answer = ("returned", WORK[work](talk, **arguments))
        except Stopped:
            answer = ("cancelled", None)
        except CASE_ERRORS as error:
            answer = ("failed", error_line(error, arguments.get("images", {})))
        connection.send(answer)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
