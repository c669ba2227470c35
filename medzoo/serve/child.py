"""Child: a process that reads scans and runs models, and can be ended at any time.

A native library that a hostile file brings down, or a computation that is cancelled,
takes the child with it and never the server.
"""

import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from medzoo.errors import InputError
from medzoo.processes import ApartContext
from medzoo.serve.child_work import serve_requests

# How long a child that was asked to stop may finish a window.
GRACE_SECONDS = 2.0
POLL_SECONDS = 0.2
END_SECONDS = 5.0


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """Work was given up on request."""


class Child:
    """A process that does one thing at a time; a new one is started where it ended.

    Args:
        name: What the process is called.
        most_bytes: Resident memory beyond which it is replaced after its work.
    """

    def __init__(self, name: str, most_bytes: int | None = None) -> None:
        self.name = name
        self.most_bytes = most_bytes
        self.starts = 0
        self._context = ApartContext()
        self._lock = threading.Lock()
        self._process: Any = None
        self._connection: Any = None
        self._stop: Any = None
        self._ended = False

    def run(
        self,
        work: str,
        arguments: dict,
        *,
        seconds: float,
        hear: Callable[[dict], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Any:
        """Does one thing in the child, and waits for it.

        Args:
            work: A name of `medzoo.serve.child_work.WORK`.
            arguments: Of that function.
            seconds: How long it may take.
            hear: Takes the messages on the way.
            stop: Set by whoever wants the work given up.

        Returns:
            What the function returned.

        Raises:
            InputError: With the message of what failed, or the reason why it ended.
            Cancelled: `stop` was set.
        """
        stop = stop or threading.Event()
        with self._lock:
            if stop.is_set() or self._ended:
                raise Cancelled
            self._start()
            self._stop.clear()
            self._connection.send((work, arguments))
            try:
                return self._await(time.monotonic() + seconds, hear, stop, seconds)
            finally:
                self._replace_if_large()

    def end(self) -> None:
        """Ends the process, even in the midst of work; there will be no other."""
        self._ended = True
        self._kill()

    @property
    def resident_bytes(self) -> int | None:
        """The memory of the process, or None where that is not known."""
        process = self._process
        return None if process is None else resident_bytes(process.pid)

    def _start(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        self._connection, theirs = self._context.Pipe()
        self._stop = self._context.Event()
        self._process = self._context.Process(
            target=serve_requests,
            args=(theirs, self._stop),
            name=self.name,
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self.starts += 1

    def _await(
        self,
        deadline: float,
        hear: Callable[[dict], None],
        stop: threading.Event,
        seconds: float,
    ) -> Any:
        """Hears messages until the answer comes, the time is over, or it has died."""
        # Another thread may end this child meanwhile.
        process = self._process
        kind, value = "said", None
        while kind == "said":
            wait([self._connection, process.sentinel], POLL_SECONDS)
            if stop.is_set() and not self._stop.is_set():
                self._stop.set()
                deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
            if self._connection.poll():
                kind, value = self._received(stop, process)
                if kind == "said":
                    hear(value)
            elif not process.is_alive():
                raise self._end_of(stop, f"exit code {code_of(process)}")
            elif time.monotonic() > deadline:
                raise self._end_of(stop, f"more than {seconds:.0f} s of work")
        return _answer(kind, value)

    def _received(self, stop: threading.Event, process: Any) -> tuple[str, Any]:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise self._end_of(stop, f"exit code {code_of(process)}") from None

    def _end_of(self, stop: threading.Event, received: str) -> Exception:
        """Ends the process; gives the error that says why."""
        self._kill()
        if stop.is_set() or self._ended:
            return Cancelled()
        return InputError(
            "The work on a scan must end in time, and within the memory. Received: "
            f"{received}. Crop or resample the scan; the file may be damaged."
        )

    def _replace_if_large(self) -> None:
        held = self.resident_bytes
        if self.most_bytes is not None and held is not None and held > self.most_bytes:
            self._kill()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(END_SECONDS)


def code_of(process: Any) -> int | None:
    """Gives the exit code of a process that has ended, or is about to."""
    process.join(END_SECONDS)
    return process.exitcode


def _answer(kind: str, value: Any) -> Any:
    """Returns what the child returned, or raises what became of it."""
    if kind == "cancelled":
        raise Cancelled
    if kind == "failed":
        raise InputError(value)
    return value


def resident_bytes(process: int) -> int | None:
    """Gives the resident memory of a process, or None where that is not known."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass  # not Linux, or ended
    return None
