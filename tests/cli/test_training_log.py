"""The log of `medzoo train`: lines in a file, one table on a terminal."""

import io
import os
import re
import select
import sys
from contextlib import contextmanager

import pytest

from medzoo.cli.training_log import LineLog, TableLog, training_log
from medzoo.training.log_lines import (
    EpochFacts,
    LogLine,
    ValidationFacts,
    of_network,
    plan_line,
)


def epoch(number, total=3, **numbers):
    facts = EpochFacts(number, total, {"loss": 1 / number, **numbers}, 0.001, 0.5)
    return LogLine(f"epoch {number}/{total}: loss {1 / number:.3g}", facts)


def validation(number, **numbers):
    return LogLine(
        f"epoch {number}, validation: {numbers}", ValidationFacts(number, numbers)
    )


def test_a_file_gets_each_line_as_it_is_and_the_time_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with training_log() as log:
        assert type(log) is LineLog
        log("prepared 20 of 20")
        log(plan_line(["fold 0", ""]))
        log(of_network("fold 0", epoch(1)))
        log(of_network("fold 0", epoch(3)))
        log(epoch(3))
    lines = sys.stderr.getvalue().splitlines()
    assert [re.sub(r"\[ *\d+ s\] ", "", line) for line in lines[:2]] == [
        "prepared 20 of 20",
        "2 networks to train: fold 0, all cases",
    ]
    # Two more epochs here and three of the other network, of half a second.
    assert lines[2].endswith("] fold 0, epoch 1/3: loss 1; about 2 s left")
    assert " left" in lines[3]
    # Nothing is left.
    assert lines[4].endswith("epoch 3/3: loss 0.333")
    assert "\x1b" not in sys.stderr.getvalue()


@contextmanager
def terminal(monkeypatch):
    """Makes stderr a terminal; gives a function that returns what it has shown."""
    pty = pytest.importorskip("pty")
    inside, outside = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream, before = os.fdopen(outside, "w"), sys.stderr
    sys.stderr = stream

    def written():
        stream.flush()
        found = b""
        while select.select([inside], [], [], 0.2)[0]:
            found += os.read(inside, 1 << 20)
        return found.decode()

    try:
        yield written
    finally:
        sys.stderr = before
        stream.close()
        os.close(inside)


def test_a_terminal_gets_one_table(monkeypatch):
    with terminal(monkeypatch) as written, training_log() as log:
        assert type(log) is TableLog
        log("12 scans of 12 people [with a target]")
        log(plan_line(["fold 0", "fold 1", ""]))
        log(of_network("fold 0", epoch(1, mae=7.25)))
        log(of_network("fold 0", validation(2, mean_dice=0.8125)))
        log(of_network("fold 0", epoch(2, mae=6.5)))
        shown = written()
    # As it is, brackets included.
    assert "12 scans of 12 people [with a target]" in shown
    assert "fold 0, network 1 of 3 · epoch 2 of 3 · about" in shown
    for text in ("val. mean dice", "0.8125", "7.25", "6.5", "1/3", "2/3", "0.001"):
        assert text in shown, text
    assert "epoch 2/3: loss" not in shown


def test_a_terminal_without_rich_gets_lines(monkeypatch):
    monkeypatch.setattr("medzoo.cli.training_log.find_spec", lambda name: None)
    with terminal(monkeypatch) as written, training_log() as log:
        log(epoch(1))
        shown = written()
    assert re.match(r"\[ +\d+ s\] epoch 1/3: loss 1; about 1 s left\r\n$", shown)


def test_a_dumb_terminal_gets_lines(monkeypatch):
    with terminal(monkeypatch):
        monkeypatch.setenv("TERM", "dumb")
        assert type(training_log()) is LineLog


def test_a_terminal_where_nothing_was_trained_has_no_table(monkeypatch):
    with terminal(monkeypatch) as written:
        with training_log() as log:
            log("stopped")
        assert written() == "[     0 s] stopped\r\n"
