"""Status lines as Parquet parts: for object stores, where nothing can be appended.

A part is written once, as a whole, by one process. Beside the lines it has the results
as columns, so that all parts of a folder are one table for what reads Parquet.
"""

import json
import time
from importlib.util import find_spec
from pathlib import Path

from medzoo.batch.parquet_file import write_parquet
from medzoo.batch.record_columns import TEXTS, columns_of
from medzoo.batch.status_log import StatusLog, as_text, in_time, lines_of, status_lines
from medzoo.errors import InputError, OfflineError
from medzoo.files import temporary_folder
from medzoo.io.remote import fetched, is_url, listed, upload

PART_LINES = 2000
# What a process that is killed may lose of numbers where no journal can be kept.
PART_SECONDS = 10.0
HEAD = b"medzoo_head"
LINE = "status_line"


class PartLog:
    """Collects lines and writes them as parts; a folder on disk has a journal too.

    What is added to a folder on disk is in its journal, a `StatusLog`, until its part
    is there, so that a process that is killed loses none of it.

    Args:
        place: path of a folder, or URL of a prefix.
        writer: str, see `medzoo.batch.status_log.writer_name`.
        head: dict or None, what stands before the lines.

    Raises:
        InputError: without pyarrow.
    """

    def __init__(self, place, writer, head=None):
        if find_spec("pyarrow") is None:
            raise InputError(
                "Parts of a cohort are written as Parquet. Received: no pyarrow. "
                "Install medzoo[remote] or medzoo[ray]."
            )
        self.place, self._writer, self._head = place, writer, head
        self._lines, self._number = [], 0
        self._begin()

    def add(self, line):
        """Adds a line; now and then a part is written."""
        if not self._lines:
            self._since = time.monotonic()
        self._lines.append(line)
        if self._journal is not None:
            self._journal.add(line)
        late = time.monotonic() - self._since > PART_SECONDS
        if len(self._lines) >= PART_LINES or (self._journal is None and late):
            try:
                self.flush()
            except OfflineError:
                # The lines stay for the next part; `close` tells if none is written.
                self._since = time.monotonic()

    def flush(self):
        """Writes a part of what was added since the last one."""
        if not self._lines:
            return
        name = f"status-{self._writer}-{self._number}.parquet"
        if is_url(self.place):
            with temporary_folder() as folder:
                local = Path(folder, name)
                _write_part(local, self._lines, self._head)
                upload(local, f"{self.place.rstrip('/')}/{name}")
        else:
            _write_part(Path(self.place, name), self._lines, self._head)
            self._journal.path.unlink()
        self._lines, self._number = [], self._number + 1
        self._begin()

    def close(self):
        """Writes what is left."""
        self.flush()

    def _begin(self):
        self._journal, self._since = None, time.monotonic()
        if not is_url(self.place):
            writer = f"{self._writer}-{self._number}"
            self._journal = StatusLog(self.place, writer, self._head)


def all_lines(place):
    """Returns the lines of status files and parts, the oldest first.

    Args:
        place: path of a folder, or URL of a prefix.

    Returns:
        list of dict, as of `medzoo.batch.status_log.status_lines`.
    """
    if is_url(place):
        parts = [f"{place.rstrip('/')}/{name}" for name in listed(place) if _is(name)]
        return in_time([line for url in sorted(parts) for line in _fetched_lines(url)])
    parts = sorted(p for p in Path(place).glob("status-*.parquet"))
    if not parts:
        return status_lines(place)
    found = [line for path in parts for line in _lines_of(path)]
    done = {path.stem for path in parts}
    for path in sorted(Path(place).glob("status*.jsonl")):
        # A journal that was not taken away yet: its part holds the same.
        found += [] if path.stem in done else lines_of(path)
    return in_time(found)


def maker_in(line):
    """Returns the "name@version" of the model that a line is of, or None."""
    made_by = line.get("made_by")
    return made_by.get("model") if isinstance(made_by, dict) else None


def is_of(line, model):
    """Whether a line of a case is of a model, "name@version".

    A line without a maker is: errors had none once.
    """
    return maker_in(line) in (None, model)


def state_of(place):
    """Returns name -> size or token of all status files of a place."""
    if is_url(place):
        return {name: token for name, token in listed(place).items() if _is(name)}
    found = {}
    for path in Path(place).glob("status*"):
        try:
            found[path.name] = path.stat().st_size
        except OSError:  # a journal that became a part
            continue
    return found


def _is(name):
    return name.startswith("status-") and name.endswith(".parquet")


def _fetched_lines(url):
    with fetched(url) as local:
        return _lines_of(local)


def _write_part(path, lines, head):
    rows = []
    for line in lines:
        record = dict(line.get("record") or {})
        if line.get("error"):
            record["error"] = line["error"]
        row = {"case_id": line.get("case_id"), **columns_of(record)}
        rows.append({**row, LINE: as_text(line)})
    columns = list(dict.fromkeys(name for row in rows for name in row))
    told = {HEAD: as_text(head or {}).encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = ("case_id", LINE, *TEXTS)
    write_parquet(path, rows, columns, texts.__contains__, metadata=told)


def _lines_of(path):
    from pyarrow import ArrowException, parquet

    try:
        # One file: a folder of the name "a=b" is no partition.
        table = parquet.ParquetFile(path)
        heads = [json.loads((table.schema_arrow.metadata or {}).get(HEAD, b"{}"))]
        rows = table.read(columns=[LINE]).column(LINE).to_pylist()
        return [one for one in heads if one] + [json.loads(row) for row in rows]
    except (OSError, ValueError, ArrowException, KeyError):
        return []  # damaged: its cases are done again
