"""Limits: how much and how long one session may use the server."""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Bounds of a server. What exceeds them is refused with a sentence.

    Attributes:
        upload_bytes: Of one file.
        session_bytes: Of all files of one session.
        session_scans: Files of one session.
        session_jobs: Jobs of one session that wait or run at once.
        session_seconds: After the last upload or job a session ends, and all of it is
            deleted.
        sessions: Open at once.
        read_seconds: To read one file.
        job_seconds: Of one job, without its wait in the queue.
        free_bytes: What an upload must leave free on the disk.
        body_bytes: Of a request that is no upload.
        child_bytes: Resident memory after which the process of the models is replaced.
    """

    upload_bytes: int = 2 * GIB
    session_bytes: int = 6 * GIB
    session_scans: int = 20
    session_jobs: int = 8
    session_seconds: float = 3600.0
    sessions: int = 64
    read_seconds: float = 300.0
    job_seconds: float = 3600.0
    free_bytes: int = GIB
    body_bytes: int = 1 << 16
    child_bytes: int = 6 * GIB


def in_words(num_bytes: int) -> str:
    """Gives a size as people say it, as "2.0 GiB"."""
    size = float(num_bytes)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
