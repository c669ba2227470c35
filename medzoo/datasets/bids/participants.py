"""Age and sex of the people of a BIDS tree."""

import csv
import math
from pathlib import Path

from medzoo.data.cases.people import plain_sex
from medzoo.errors import FileFormatError

NOT_KNOWN = ("", "n/a", "na", "nan")
# participants.tsv of large studies have a few thousand rows.
MOST_BYTES = 64 << 20


def people_of(root):
    """Reads participants.tsv, and of each person sessions.tsv where it is there.

    Args:
        root: pathlib.Path of the tree.

    Returns:
        dict of (subject, session or None) -> dict of column -> str, without "sub-" and
        "ses-"; what is not known is left out. Columns are in lower case, "gender" is
        "sex", and sexes are F and M.

    Raises:
        FileFormatError: for a table that is not UTF-8.
    """
    found = {}
    for row in _rows(root / "participants.tsv"):
        subject = row.pop("participant_id", "").removeprefix("sub-")
        if subject:
            found[subject, None] = row
    for path in sorted(root.glob("sub-*/sub-*_sessions.tsv")):
        subject = path.parent.name.removeprefix("sub-")
        for row in _rows(path):
            session = row.pop("session_id", "").removeprefix("ses-")
            if session:
                found[subject, session] = {**found.get((subject, None), {}), **row}
    return found


def _rows(path):
    """The rows of a table with what is known."""
    path = Path(path)
    if not path.is_file():
        return
    if path.stat().st_size > MOST_BYTES:
        raise FileFormatError(
            f"The participants table is too large in {path}. "
            f"Received: bytes={path.stat().st_size}. Check the file."
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            # BIDS knows no quotes: one that opens would swallow all later people.
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield _known(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(
            f"The participants table must be UTF-8 and tab-separated in {path}. "
            f"Received: error={type(error).__name__}. Save it as UTF-8."
        ) from None


def _known(row):
    known = {}
    for name, cell in row.items():
        # Cells beyond the header's have no name, absent ones no value.
        if not isinstance(name, str) or not isinstance(cell, str):
            continue
        name, cell = name.strip().lower(), cell.strip()
        name = "sex" if name == "gender" else name
        if name == "sex":
            cell = plain_sex(cell) if plain_sex(cell) in ("F", "M") else ""
        if name == "age" and not _is_number(cell):
            cell = ""  # as "89+", which is a bound and no age
        if cell.lower() not in NOT_KNOWN:
            known.setdefault(name, cell)
    return known


def _is_number(cell):
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
