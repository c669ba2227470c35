"""The log of `medzoo train`: a table on a terminal, lines everywhere else."""

import os
import sys
import time
from collections import deque
from contextlib import suppress
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

# Epochs that stay in sight; history.csv of the run has all.
MOST_ROWS = 12
# Characters of a column of numbers, and of the columns that are always there.
COLUMN, ALWAYS = 13, 30


def training_log() -> "LineLog":
    """Gives the log that suits stderr: a table where it is a terminal.

    The table needs rich, which the extra `train` installs.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    dumb = os.environ.get("TERM", "") in ("", "dumb")
    if terminal and not dumb and find_spec("rich") is not None:
        return TableLog()
    return LineLog()


class LineLog:
    """Writes each line to stderr, with the seconds so far and the time that is left.

    Attributes:
        left: Seconds that the rest takes, or None while that is not known.
    """

    def __init__(self) -> None:
        from medzoo.training.time_left import TimeLeft

        self.started = time.monotonic()
        self.time_left = TimeLeft()
        self.left: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the log; here there is nothing to end."""

    def __call__(self, line: str) -> None:
        """Takes the next line."""
        left = self.time_left(getattr(line, "facts", None))
        self.left = self.left if left is None else left
        self.tell(line, left)

    def tell(self, line: str, left: float | None) -> None:
        """Shows a line.

        Args:
            line: The line.
            left: Seconds left, where the line is of an epoch, else None.
        """
        from medzoo.training.time_left import duration

        rest = f"; {duration(left)} left" if left else ""
        with suppress(OSError):
            passed = time.monotonic() - self.started
            sys.stderr.write(f"[{passed:6.0f} s] {line}{rest}\n")
            sys.stderr.flush()


class TableLog(LineLog):
    """Shows the last epochs as one table that is drawn anew, other lines above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__()
        self._rows: deque[tuple] = deque(maxlen=MOST_ROWS)
        self._measured: dict[str, float] = {}
        self._told_at = self.started
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=1,
            vertical_overflow="visible",
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leaves the last table on the terminal."""
        self._live.stop()

    def tell(self, line: str, left: float | None) -> None:
        """Puts an epoch into the table; other lines go above it, as they are."""
        from medzoo.training.log_lines import EpochFacts, ValidationFacts

        facts = getattr(line, "facts", None)
        if isinstance(facts, ValidationFacts):
            self._measured = facts.numbers
        elif isinstance(facts, EpochFacts):
            if self._rows and self._rows[-1][0].network != facts.network:
                self._rows.clear()
            self._rows.append((facts, self._measured))
            self._measured, self._told_at = {}, time.monotonic()
            # Not before: a training that is refused leaves one line, no table.
            self._live.start()
        else:
            passed = time.monotonic() - self.started
            self._console.print(
                f"[{passed:6.0f} s] {line}", markup=False, highlight=False
            )
        if self._live.is_started:
            self._live.refresh()

    def picture(self) -> Any:
        """Gives the table as it is now, something that rich draws."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        if not self._rows:
            return Text("")
        trained, measured = self._columns()
        told = {"caption": self._caption(), "caption_justify": "left"}
        table = Table(box=box.SIMPLE_HEAD, **told)
        heads = (*trained, *(f"val. {name}" for name in measured))
        for name in ("epoch", *heads, "rate", "s"):
            table.add_column(Text(name.replace("_", " ")), justify="right")
        for facts, found in self._rows:
            cells = [facts.numbers.get(name) for name in trained]
            cells += [found.get(name) for name in measured]
            words = ["" if c is None else f"{c:.4g}" for c in cells]
            place = f"{facts.epoch}/{facts.total}"
            rate, seconds = f"{facts.learning_rate:.3g}", f"{facts.seconds:.1f}"
            table.add_row(place, *words, rate, seconds)
        return table

    def _columns(self) -> tuple[list[str], list[str]]:
        """The loss, the scores and what else there is room for."""
        room = max((self._console.width - ALWAYS) // COLUMN, 1)
        trained = list(dict.fromkeys(n for f, _ in self._rows for n in f.numbers))
        measured = list(dict.fromkeys(n for _, m in self._rows for n in m))
        most = max(room - min(len(measured), room // 2), 1)
        trained = trained[:most]
        return trained, measured[: room - len(trained)]

    def _caption(self) -> Any:
        from rich.text import Text

        from medzoo.training.time_left import duration

        facts = self._rows[-1][0]
        place, total = self.time_left.place(facts.network)
        words = [f"epoch {facts.epoch} of {facts.total}"]
        if total > 1:
            name = facts.network or "all cases"
            words.insert(0, f"{name}, network {place} of {total}")
        now = time.monotonic()
        if self.left is not None:
            rest = max(self.left - (now - self._told_at), 0.0)
            words.append(f"{duration(rest)} left" if self.left else "last epoch done")
        passed = duration(now - self.started).removeprefix("about ")
        words.append(f"{passed} so far")
        return Text(" · ".join(words))
