"""status.jsonl: the outcome of each case; one file per process.

Only one process ever writes into a file, so that no lock is needed, which network file
systems do not keep reliably.
"""

import json
import os
import secrets
from pathlib import Path

from medzoo.files import naming

STATUS_FILE = "status.jsonl"
STATUS_FILES = "status*.jsonl"


class StatusLog:
    """Appends lines to a status file.

    Args:
        folder: path, made with the first line.
        writer: str or None, in the name of the file where several processes write into
            one folder.
        head: dict or None, a first line that is of no case.
    """

    def __init__(self, folder, writer=None, head=None):
        name = STATUS_FILE if writer is None else f"status-{writer}.jsonl"
        self.path = Path(folder) / name
        self._head = head

    def add(self, line):
        """Appends a line.

        Args:
            line: dict, plain JSON.

        Raises:
            OSError: naming the file, if the disk is full or cannot be written.
        """
        lines = [line]
        if self._head is not None:
            lines, self._head = [self._head, line], None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(as_text(one) for one in lines)
        # A run that was killed may have left half a line.
        start = "" if _ends_with_line(self.path) else "\n"
        with naming(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(f"{start}{text}")

    def close(self):
        """Every line is written already."""


def writer_name(shard):
    """Returns a name that no other process has, in which a shard can be read.

    Args:
        shard: tuple of two int, number and count.
    """
    number, count = shard
    host = "".join(c for c in os.uname().nodename.partition(".")[0] if c.isalnum())
    return f"{number}of{count}-{host}-{os.getpid()}-{secrets.token_hex(3)}"


def status_lines(folder):
    """Returns the whole lines of a folder's status files, the oldest first.

    A line that is damaged is left out: its case is done again.

    Args:
        folder: path, which need not exist.

    Returns:
        list of dict, those of no case included.
    """
    files = sorted(Path(folder).glob(STATUS_FILES))
    found = [line for path in files for line in lines_of(path)]
    return in_time(found) if len(files) > 1 else found


def in_time(lines):
    """Returns lines by their time; those without stand first."""
    return sorted(lines, key=time_of)


def lines_of(path):
    """Returns the lines of one file that are whole, as dicts."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # Not `splitlines`: names may hold characters that it takes for ends of lines.
    return [line for line in map(_line, text.split("\n")) if line is not None]


def as_text(line):
    """Returns a line as it is written: ASCII, for a name need not be text."""
    return json.dumps(line, allow_nan=False) + "\n"


def _line(row):
    try:
        line = json.loads(row)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def time_of(line):
    """Returns the time of a line; 0 where it has none."""
    time = line.get("time")
    return time if isinstance(time, int | float) else 0


def _ends_with_line(path):
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:  # no file, or an empty one
        return True
