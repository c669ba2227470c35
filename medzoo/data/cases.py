"""cases.csv: one row a case, read once and checked before any work."""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

from medzoo.errors import FileFormatError, InputError, MissingFileError

CASE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True)
class Case:
    """One row of a case table.

    Args:
        case_id: str, unique in its table.
        images: dict of channel name -> Path.
        target: str or None, the cell of the target column.
        columns: dict of str -> str, further columns that were asked for.
        folder: Path, what relative paths start from.
    """

    case_id: str
    images: dict
    target: str | None = None
    columns: dict = field(default_factory=dict)
    folder: Path = Path()

    def path(self, column):
        """Returns the path in a further column, or None where the cell is empty."""
        cell = self.columns.get(column)
        return self.folder / cell if cell else None


def read_cases(path, channels, *, target=None, columns=()):
    """Reads a case table.

    Args:
        path: path of a csv with a header; relative paths in it start from its folder.
            Or "bids:DIR", see `medzoo.data.bids.bids_cases`.
        channels: list of dict `{"name", "required"}`, the columns with images.
        target: str or None, the column with the truth.
        columns: further columns to keep; absent ones are left out.

    Returns:
        list of `Case`, in the order of the table.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if it is not a csv with the column case_id.
        InputError: for a case_id that is malformed or not unique, an absent channel
            or target column, or an empty table.
    """
    if str(path).startswith("bids:"):
        from medzoo.data.bids import bids_cases

        return bids_cases(path, channels, target=target, columns=columns)
    path = Path(path)
    rows, header = _rows(path)
    required = [c["name"] for c in channels if c.get("required", True)]
    wanted = ["case_id", *required, *([target] if target else [])]
    missing = [column for column in wanted if column not in header]
    if missing:
        raise InputError(
            f"A case table must have the columns {wanted} in {path}. "
            f"Received: columns={header}. Add {missing}."
        )
    if not rows:
        raise InputError(
            f"A case table must have at least one row in {path}. Received: none."
        )
    names = [c["name"] for c in channels]
    cases = [_case(row, names, target, columns, path) for row in rows]
    _check_unique([case.case_id for case in cases], path)
    return cases


def _rows(path):
    if not path.is_file():
        raise MissingFileError(
            f"A case table must be a file. Received: cases={path}. Check the path."
        )
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name for name in reader.fieldnames or [] if name]
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(
            f"A case table must be UTF-8 csv in {path}. Received: {error}. "
            "Save it as csv."
        ) from error
    return rows, header


def _case(row, names, target, columns, path):
    case_id = (row.get("case_id") or "").strip()
    if not CASE_ID.fullmatch(case_id) or case_id in (".", ".."):
        raise InputError(
            f"A case_id must match {CASE_ID.pattern} in {path}. "
            f"Received: case_id={case_id[:150]!r}. Rename the case."
        )
    cells = {name: (row.get(name) or "").strip() for name in (*names, *columns)}
    return Case(
        case_id=case_id,
        images={name: path.parent / cells[name] for name in names if cells[name]},
        target=((row.get(target) or "").strip() or None) if target else None,
        columns={name: cells[name] for name in columns if cells[name]},
        folder=path.parent,
    )


def _check_unique(ids, path):
    seen = set()
    for case_id in ids:
        if case_id in seen:
            raise InputError(
                f"A case_id must be unique in {path}. Received: case_id={case_id!r} "
                "more than once. Rename one of them."
            )
        seen.add(case_id)
