"""What `medzoo recalibrate` calls medzoo.recalibrate with, and what it prints."""

import pytest

from medzoo.cli.main import main
from tests.cli.conftest import error_line


@pytest.fixture
def called(monkeypatch):
    calls = []

    def record(*arguments, **keywords):
        calls.append((arguments, keywords))
        keywords["log"]("shift")
        return arguments[2]

    monkeypatch.setattr("medzoo.zoo.recalibrate.recalibrate", record)
    return calls


def test_it_calls_the_public_function_and_prints_the_folder(called, capsys):
    arguments = ["--cases", "c.csv", "-o", "own", "--target", "years", "--threads", "3"]
    assert main(["recalibrate", "x", *arguments]) == 0
    ((source, cases, output), keywords) = called[0]
    assert (source, str(cases), str(output)) == ("x", "c.csv", "own")
    assert (keywords["target"], keywords["threads"]) == ("years", 3)
    printed = capsys.readouterr()
    assert printed.out == "own\n"
    assert "shift" in printed.err


def test_it_takes_one_kind_of_cases(called, capsys):
    assert main(["recalibrate", "x", "-o", "own"]) == 2
    assert "recalibrate takes one of" in error_line(capsys)
    assert not called
    assert main(["recalibrate", "x", "-o", "own", "--bids", "tree"]) == 0
    assert called[0][0][1] == "bids:tree"
