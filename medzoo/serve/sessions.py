"""Sessions: what each visitor uploaded and computed, apart from all others."""

import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from medzoo.errors import InputError, ResourceError
from medzoo.serve.jobs import Job
from medzoo.serve.limits import Limits, in_words

PREFIX = "medzoo-serve-"
_DISK = threading.Lock()
_ROOT = re.compile(rf"{PREFIX}(?P<process>\d+)-\w+")


@dataclass
class Scan:
    """A file that was uploaded.

    Attributes:
        key: Its name in the API.
        name: What to show for it, see `shown_name`.
        path: Where it lies, under a name of the server's own.
        num_bytes: Its size.
        facts: What `inspect` found, plain JSON.
    """

    key: str
    name: str
    path: Path
    num_bytes: int
    facts: dict = field(default_factory=dict)


class Session:
    """One visitor's scans and jobs, in a folder of its own.

    Args:
        folder: Made by the caller, readable to this user alone.
        limits: `Limits`.
        now: The time at which it begins, monotonic seconds.
        uploads: Key and bytes of what is on its way to the disk, of all sessions that
            share it.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        now: float,
        uploads: dict[str, int] | None = None,
    ) -> None:
        self.secret = secrets.token_urlsafe(32)
        self.folder = folder
        self.limits = limits
        self.used = now
        self.closed = False
        self.scans: dict[str, Scan] = {}
        self.jobs: dict[str, Job] = {}
        self._reserved: dict[str, int] = {}
        self._uploads = {} if uploads is None else uploads
        self._lock = threading.Lock()

    def reserve(self, num_bytes: int) -> str:
        """Takes room for an upload of at most `num_bytes`; gives its key.

        Raises:
            ResourceError: The session or the disk has no room for it.
        """
        limits = self.limits
        with self._lock:
            held = sum(scan.num_bytes for scan in self.scans.values())
            held += sum(self._reserved.values())
            if len(self.scans) + len(self._reserved) >= limits.session_scans:
                raise ResourceError(
                    f"A session holds at most {limits.session_scans} scans. "
                    f"Received: one more. Remove a scan first."
                )
            if held + num_bytes > limits.session_bytes:
                raise ResourceError(
                    f"A session holds at most {in_words(limits.session_bytes)}. "
                    f"Received: {in_words(num_bytes)} beside {in_words(held)}. "
                    "Remove a scan first."
                )
            key = secrets.token_hex(8)
            self._take_room(key, num_bytes)
            self._reserved[key] = num_bytes
            return key

    def _take_room(self, key: str, num_bytes: int) -> None:
        with _DISK:
            # What is on its way will take it, whoever sends it.
            free = shutil.disk_usage(self.folder).free - sum(self._uploads.values())
            if free - num_bytes < self.limits.free_bytes:
                raise ResourceError(
                    "The server's disk must have room for the scan. "
                    f"Received: {in_words(num_bytes)}. Make room, or set TMPDIR."
                )
            self._uploads[key] = num_bytes

    def release(self, key: str, scan: Scan | None = None) -> None:
        """Ends a reservation: by the scan that came, or by none."""
        with self._lock:
            self._reserved.pop(key, None)
            with _DISK:
                self._uploads.pop(key, None)
            if scan is not None and not self.closed:
                self.scans[key] = scan

    def scan(self, key: str) -> Scan:
        """Gives a scan of this session.

        Raises:
            KeyError: It has none of this key; others' are not told from none.
        """
        return self.scans[key]

    @property
    def is_busy(self) -> bool:
        """Whether a scan is on its way, or a job waits or runs."""
        jobs = list(self.jobs.values())
        return bool(self._reserved) or any(not job.ended for job in jobs)

    def remove(self, key: str) -> None:
        """Deletes a scan, which a running job may still read."""
        scan = self.scans.pop(key)
        shutil.rmtree(scan.path.parent, ignore_errors=True)

    def add(self, job: Job) -> None:
        """Takes a job.

        Raises:
            InputError: Too many of this session wait already.
        """
        with self._lock:
            waiting = sum(not job.ended for job in self.jobs.values())
            if waiting >= self.limits.session_jobs:
                raise InputError(
                    f"At most {self.limits.session_jobs} jobs of a session wait at "
                    "once. Received: one more. Wait for one, or cancel it."
                )
            self.jobs[job.key] = job

    def drop(self, job: Job) -> None:
        """Cancels a job; of one that has ended, deletes results and explanations."""
        if not job.ended:
            job.cancel()
            return
        for other in list(self.jobs.values()):
            if other.order.of == job.key:
                other.cancel()
                self.jobs.pop(other.key, None)
                if other.began is None or other.ended:
                    shutil.rmtree(other.folder, ignore_errors=True)
        self.jobs.pop(job.key, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancels the jobs and deletes everything."""
        with self._lock:
            self.closed = True
            for job in self.jobs.values():
                job.cancel()
            self.scans.clear()
        self.sweep()

    def sweep(self) -> None:
        """Deletes the folder; again after a job that was still writing to it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """All sessions of a server, below one temporary folder.

    Args:
        limits: `Limits`.
        clock: Gives monotonic seconds.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        remove_leftovers()
        self.limits = limits
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}
        self._uploads: dict[str, int] = {}

    def create(self) -> Session:
        """Opens a session.

        Raises:
            ResourceError: Too many are open.
        """
        self.expire()
        with self._lock:
            if len(self._open) >= self.limits.sessions:
                self._close_an_empty_one()
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            session = Session(folder, self.limits, self._clock(), self._uploads)
            self._open[session.secret] = session
            return session

    def find(self, secret: str | None) -> Session | None:
        """Gives the session of a secret, or None."""
        return self._open.get(secret or "")

    def touch(self, session: Session) -> None:
        """Notes that a session is in use: an upload, a job."""
        session.used = self._clock()

    def seconds_left(self, session: Session) -> float:
        """Gives after how many seconds a session ends if nobody uses it."""
        left = session.used + self.limits.session_seconds - self._clock()
        return max(left, 0.0)

    def close(self, session: Session) -> None:
        """Ends a session and deletes all of it."""
        with self._lock:
            self._open.pop(session.secret, None)
        session.close()

    def expire(self) -> None:
        """Ends the sessions that were not used for too long."""
        for session in list(self._open.values()):
            # Time counts from the end of the last job or upload.
            if session.is_busy:
                self.touch(session)
            elif self.seconds_left(session) <= 0:
                self.close(session)

    def close_all(self) -> None:
        """Ends every session and deletes the folder."""
        for session in list(self._open.values()):
            self.close(session)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _close_an_empty_one(self) -> None:
        for session in self._open.values():
            if not (session.scans or session.jobs or session.is_busy):
                del self._open[session.secret]
                session.close()
                return
        raise ResourceError(
            f"At most {self.limits.sessions} sessions are open at once. Received: one "
            "more. End a session, or start another server."
        )


def remove_leftovers() -> None:
    """Deletes what servers left behind that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        name = _ROOT.fullmatch(folder.name)
        if name and folder.is_dir() and not folder.is_symlink():
            owner = folder.stat().st_uid
            if owner == os.getuid() and not _lives(int(name["process"])):
                shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True
