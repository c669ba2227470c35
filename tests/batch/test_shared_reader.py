"""SharedReader: one reading an image, several images at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from medzoo.batch import shared_reader
from medzoo.batch.shared_reader import SharedReader


def test_images_are_read_side_by_side_and_each_once(monkeypatch):
    both, read = Barrier(2, timeout=30), []

    def wait(path, **_):
        read.append(path)
        both.wait()
        return f"volume of {path}"

    monkeypatch.setattr(shared_reader, "read_quietly", wait)
    reader = SharedReader(4)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(reader, ["a", "b", "a", "b"]))

    assert found == ["volume of a", "volume of b"] * 2
    assert sorted(read) == ["a", "b"]


def test_what_was_read_long_ago_is_read_again_and_a_failure_too(monkeypatch):
    read = []

    def fail_on_bad(path, **_):
        read.append(path)
        if path == "bad":
            raise OSError("gone")
        return path

    monkeypatch.setattr(shared_reader, "read_quietly", fail_on_bad)
    reader = SharedReader(2)
    for path in ("a", "b", "b", "c", "a"):
        reader(path)
    assert read == ["a", "b", "c", "a"]
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            reader("bad")
    assert read[-2:] == ["bad", "bad"]
