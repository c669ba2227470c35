"""Job: models to run on the scans of one person, and how far that has come."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from medzoo.serve.pace import Pace


@dataclass(frozen=True)
class Order:
    """What a job has to do.

    Attributes:
        models: Names of models, each once.
        images: Channel -> path of its image, with "#SERIES" where one was chosen.
        case_id: What the case is called in tables and reports.
        person: Age in years and sex, or None each.
        work: "predict", or "explain" for what the answers rest on.
        of: Key of the job whose result is explained, or "".
    """

    models: tuple[str, ...]
    images: dict[str, str]
    case_id: str
    person: tuple[float | None, str | None] = (None, None)
    work: str = "predict"
    of: str = ""


@dataclass
class Job:
    """One order in the queue.

    Attributes:
        order: `Order`.
        folder: Where its results go; it exists.
        key: Its name in the API.
        state: "queued", "running", "done", "failed" or "cancelled".
        error: Why it failed, or "".
        results: Model -> its record, see `medzoo.serve.prediction`.
    """

    order: Order
    folder: Path
    key: str
    state: str = "queued"
    error: str = ""
    results: dict[str, dict] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    began: float | None = None
    pace: Pace | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self.state in ("done", "failed", "cancelled")

    def cancel(self) -> None:
        """Asks for its end; a job that waits has ended with that."""
        self.stop.set()
        if self.state == "queued":
            self.end("cancelled")

    def begin(self, pace: Pace) -> None:
        """Notes that work starts."""
        self.began, self.pace = time.monotonic(), pace
        self.state = "running"

    def end(self, state: str, error: str = "") -> None:
        """Notes that work has ended."""
        self.state, self.error = state, error

    def hear(self, message: dict) -> None:
        """Takes a message of the process that works on it."""
        if "record" in message:
            self.results[message["model"]] = message["record"]
        if self.pace is not None:
            self.pace.hear(message)

    def seconds(self) -> float:
        """Gives how long it has been worked on."""
        return 0.0 if self.began is None else time.monotonic() - self.began
