"""The line that says how much is done."""

import io
import sys

import pytest

from medzoo import progress
from medzoo.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, as a list of one number that a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def shown(stream, clock, monkeypatch, seconds, done=1, total=4):
    """What is written when some are done after so many seconds."""
    monkeypatch.setattr(sys, "stderr", stream)
    clock[0] = 0.0
    with Progress(total, "cases") as report:
        clock[0] = seconds
        report(done)
        return stream.getvalue()


def test_nothing_is_said_of_what_is_quick_or_finished(clock, monkeypatch):
    assert shown(Terminal(), clock, monkeypatch, 1.9) == ""
    assert shown(Terminal(), clock, monkeypatch, 60.0, done=4) == ""


def test_a_terminal_shows_what_is_left_and_is_wiped(clock, monkeypatch):
    stream = Terminal()
    line = "1/4 cases, about 30 s left"
    assert shown(stream, clock, monkeypatch, 10.0) == line
    assert stream.getvalue() == f"{line}\r{' ' * len(line)}\r"


def test_a_log_gets_one_line_in_half_a_minute(clock, monkeypatch):
    assert shown(io.StringIO(), clock, monkeypatch, 10.0) == ""
    line = "medzoo: 1/4 cases, about 93 s left\n"
    assert shown(io.StringIO(), clock, monkeypatch, 31.0) == line


def test_the_number_of_all_may_change(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(4, "files") as report:
        clock[0] = 10.0
        report(1, total=2)
        assert stream.getvalue() == "1/2 files, about 10 s left"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_stream_that_is_gone_ends_nothing(stream, clock, monkeypatch):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
        monkeypatch.setattr(stream, "isatty", lambda: False, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(4, "cases") as report:
        clock[0] = 60.0
        report(1)
    assert report.total == 4


def test_what_the_first_took_to_start_is_not_counted_again(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(12, "cases") as report:
        # Models start in 28 s; each case takes 2.
        clock[0] = 30.0
        report(1)
        clock[0] = 32.0
        report(2)
        assert stream.getvalue().endswith("2/12 cases, about 20 s left")
