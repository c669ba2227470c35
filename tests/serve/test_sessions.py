"""Sessions: folders that only this user reads, and that are gone when they end."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from medzoo.errors import InputError, ResourceError
from medzoo.serve.jobs import Job, Order
from medzoo.serve.limits import Limits
from medzoo.serve.sessions import PREFIX, Scan, Sessions, remove_leftovers


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = Sessions(Limits(sessions=3), clock)
    yield found
    found.close_all()


def with_a_scan(session):
    key = session.reserve(10)
    path = session.folder / f"scan-{key}" / "scan.nii"
    path.parent.mkdir()
    path.write_bytes(b"0123456789")
    session.release(key, Scan(key, "scan.nii", path, 10))
    return path


def test_only_this_user_reads_what_lies_there(sessions):
    for folder in (sessions.folder, sessions.create().folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_secret_opens_its_own_session_alone(sessions):
    one, two = sessions.create(), sessions.create()

    assert sessions.find(one.secret) is one
    assert sessions.find(two.secret) is two
    assert one.secret != two.secret
    assert len(one.secret) >= 43
    for wrong in (None, "", one.secret[:-1], "x" * 43):
        assert sessions.find(wrong) is None


def test_a_session_ends_an_hour_after_its_last_use(sessions, clock):
    session = sessions.create()
    path = with_a_scan(session)
    clock.now += 3599
    sessions.expire()
    assert path.exists()
    sessions.touch(session)
    clock.now += 3599
    sessions.expire()
    assert sessions.seconds_left(session) == 1
    clock.now += 2
    sessions.expire()

    assert sessions.find(session.secret) is None
    assert not session.folder.exists()
    assert session.scans == {}


def test_a_session_at_work_does_not_end(sessions, clock):
    session = sessions.create()
    key = session.reserve(10)
    clock.now += 3601
    sessions.expire()
    assert sessions.find(session.secret) is session
    session.release(key, None)
    job = Job(Order(("m",), {}, "a"), session.folder / "job-1", "1")
    session.add(job)
    clock.now += 3601
    sessions.expire()
    assert not job.stop.is_set()
    job.end("done")
    # From then on it counts as unused.
    clock.now += 3599
    sessions.expire()
    assert sessions.find(session.secret) is session
    clock.now += 2
    sessions.expire()
    assert sessions.find(session.secret) is None


def test_an_upload_that_comes_after_the_end_is_not_kept(sessions):
    session = sessions.create()
    key = session.reserve(10)
    sessions.close(session)
    session.release(key, Scan(key, "late", session.folder / "x" / "scan.nii", 10))

    assert session.scans == {}


def test_a_session_that_ends_cancels_its_jobs(sessions):
    session = sessions.create()
    job = Job(Order(("a",), {}, "case"), session.folder / "job", "key")
    session.add(job)
    sessions.close(session)

    assert job.state == "cancelled"
    assert job.stop.is_set()


def test_so_many_jobs_wait_and_no_more(sessions):
    session = sessions.create()
    jobs = [Job(Order(("a",), {}, "case"), session.folder, str(n)) for n in range(9)]
    for job in jobs[:8]:
        session.add(job)
    with pytest.raises(InputError, match="At most 8 jobs"):
        session.add(jobs[8])
    jobs[0].end("done")
    session.add(jobs[8])

    assert jobs[8].key in session.jobs


def test_of_too_many_sessions_an_empty_one_makes_way(sessions):
    full = sessions.create()
    with_a_scan(full)
    others = [sessions.create() for _ in range(3)]

    assert sessions.find(full.secret) is full
    assert sessions.find(others[0].secret) is None
    for other in others[1:]:
        with_a_scan(other)
    with pytest.raises(ResourceError, match="At most 3 sessions"):
        sessions.create()


def test_a_full_disk_is_told_before_the_upload(sessions, monkeypatch):
    usage = type("Usage", (), {"free": 1 << 30})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)

    with pytest.raises(ResourceError, match="disk must have room"):
        sessions.create().reserve(10)


def test_a_server_that_ends_leaves_nothing(sessions):
    with_a_scan(sessions.create())
    sessions.close_all()

    assert not sessions.folder.exists()


def test_what_a_killed_server_left_is_removed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    dead = tmp_path / f"{PREFIX}{ended.pid}-abc"
    alive = tmp_path / f"{PREFIX}{os.getpid()}-abc"
    other = tmp_path / "medzoo-serve-notes"
    link = tmp_path / f"{PREFIX}{ended.pid}-link"
    for folder in (dead, alive, other):
        folder.mkdir()
        (folder / "file").touch()
    link.symlink_to(other)
    remove_leftovers()

    assert not dead.exists()
    assert {p.name for p in tmp_path.iterdir()} == {alive.name, other.name, link.name}
    assert Path(other, "file").exists()


def test_uploads_of_all_sessions_share_the_room_on_the_disk(sessions, monkeypatch):
    limits, size = sessions.limits, 1 << 20
    free = limits.free_bytes + 2 * size
    monkeypatch.setattr(
        "medzoo.serve.sessions.shutil.disk_usage", lambda _: SimpleNamespace(free=free)
    )
    one, two, three = (sessions.create() for _ in range(3))
    key = one.reserve(size)
    two.reserve(size)
    with pytest.raises(ResourceError, match="room for the scan"):
        three.reserve(size)
    one.release(key)
    three.reserve(size)
