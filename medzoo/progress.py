"""A progress line on stderr, for what takes longer than two seconds."""

import sys
import time
from contextlib import suppress

DELAY_SECONDS = 2.0
# Where lines cannot be rewritten (a log file) one is enough in so many seconds.
LOG_SECONDS = 30.0


class Progress:
    """Shows how many of how many are done, and about how long the rest takes.

    Args:
        total: int.
        noun: str, what is counted.
    """

    def __init__(self, total, noun):
        self.total = total
        self.noun = noun
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._width = 0
        # What was done at the first call, and when: models start before that.
        self._first = None

    def __enter__(self):
        self._start = self._last = time.monotonic()
        return self

    def __exit__(self, *exception):
        self.clear()

    def __call__(self, done, total=None):
        """Says that `done` are done; of `total`, should it be another number now."""
        self.total = total or self.total
        now = time.monotonic()
        passed = now - self._start
        if self._first is None:
            self._first = done, now
        wait = 0.0 if self._terminal else LOG_SECONDS
        if passed < DELAY_SECONDS or now - self._last < wait or done == self.total:
            return
        self._last = now
        left = self._seconds_each(done, now) * (self.total - done)
        line = f"{done}/{self.total} {self.noun}, about {left:.0f} s left"
        if self._terminal:
            self.clear()
            _write(line)
            self._width = len(line)
        else:
            _write(f"medzoo: {line}\n")

    def _seconds_each(self, done, now):
        """Seconds that one takes, without the start where more than one is done."""
        first, then = self._first
        if done > first:
            return (now - then) / (done - first)
        return (now - self._start) / done

    def clear(self):
        """Wipes the line, so that another can be written."""
        if self._width:
            _write("\r" + " " * self._width + "\r")
            self._width = 0


def _write(text):
    """Writes to stderr, which may be closed or on a full disk: no reason to end."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def every_twentieth(log):
    """Returns a callable `(done, total)` that logs every twentieth scan and the last.

    Args:
        log: callable taking a line.
    """

    def progress(done, total):
        if done % 20 == 0 or done == total:
            log(f"prepared {done} of {total}")

    return progress
