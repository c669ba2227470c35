"""The child process: cancelled, too slow, killed; and the next work goes on."""

import os
import signal
import threading
import time

import pytest

from medzoo.errors import InputError
from medzoo.serve.child import Cancelled, Child, resident_bytes


@pytest.fixture
def child():
    found = Child("test")
    yield found
    found.end()


def inspected(child, path, **options):
    arguments = {"images": {"scan": str(path)}}
    return child.run("inspect", arguments, **{"seconds": 120, **options})


def test_work_is_done_and_messages_are_heard(child, head):
    heard = []
    found = inspected(child, head, hear=heard.append)

    assert found["orientation"] == "RAS"
    assert heard == [{"stage": "reading"}]
    assert child.resident_bytes == resident_bytes(child._process.pid) > 1 << 20


def test_what_fails_is_told_without_a_path(child, tmp_path):
    path = tmp_path / "secret-person" / "scan.nii"
    path.parent.mkdir()
    path.write_bytes(b"no image")
    with pytest.raises(InputError) as raised:
        inspected(child, path)

    assert "[scan]" in str(raised.value)
    assert "secret-person" not in str(raised.value)


def test_a_child_that_dies_is_told_and_replaced(child, head):
    inspected(child, head)
    threading.Timer(1.0, lambda: os.kill(child._process.pid, signal.SIGSEGV)).start()
    with pytest.raises(InputError, match="exit code -11"):
        # Importing TensorFlow takes longer than that.
        child.run("warm_up", {}, seconds=120)

    assert inspected(child, head)["orientation"] == "RAS"
    assert child.starts == 2


def test_work_that_takes_too_long_is_ended(child, head):
    inspected(child, head)
    with pytest.raises(InputError, match="more than 0 s"):
        child.run("warm_up", {}, seconds=0.3)

    assert inspected(child, head)["orientation"] == "RAS"


def test_work_that_is_cancelled_ends_soon(child, head):
    inspected(child, head)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        child.run("warm_up", {}, seconds=120, stop=stop)

    assert time.monotonic() - began < 30
    with pytest.raises(Cancelled):
        inspected(child, head, stop=stop)
    assert inspected(child, head)["orientation"] == "RAS"


def test_a_child_that_grew_large_is_replaced_after_its_work(head):
    child = Child("test", most_bytes=1)
    try:
        for _ in range(2):
            assert inspected(child, head)["orientation"] == "RAS"
        assert child.starts == 2
    finally:
        child.end()


def test_after_the_end_nothing_runs(child, head):
    inspected(child, head)
    process = child._process
    child.end()

    assert not process.is_alive()
    with pytest.raises(Cancelled):
        inspected(child, head)
