"""Rows and columns of a text table, in the dialects of spreadsheets."""

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

from medzoo.errors import FileFormatError, InputError, MissingFileError

TABLE_SUFFIXES = (".csv", ".tsv")
DELIMITERS = (",", ";", "\t")
# BIDS and spreadsheets write these where nothing is known.
NOTHING = ("n/a", "na", "#n/a", "null")
SEPARATOR = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
# What stands around names unseen: spaces, and marks of text that was pasted.
INVISIBLE = " \t\n\r\v\f\u00a0\u200b\u200c\u200d\u2060\ufeff"
# A table of cases is no image: whatever is larger was not meant.
LARGEST_TABLE = 1 << 28


@dataclass(frozen=True)
class Table:
    """A table as it was written.

    Args:
        path: Path.
        header: tuple of str, names of columns, spaces around them taken off.
        rows: list of (row number as spreadsheets count, dict of name -> cell).
    """

    path: Path
    header: tuple
    rows: list

    @cached_property
    def _names(self):
        """Columns by their plain names: a header may have a hundred thousand."""
        found = {}
        for name in self.header:
            found.setdefault(plain(name), []).append(name)
        return found

    def column(self, wanted):
        """Returns the name of a column as the table has it: case does not matter.

        Args:
            wanted: str.

        Returns:
            str, or None where there is none.

        Raises:
            InputError: if two columns have that name.
        """
        found = self._names.get(plain(wanted), [])
        if len(found) > 1:
            raise InputError(
                f"A column must be in a table once, in {self.path}. "
                f"Received: columns={found}. Rename or remove one."
            )
        return found[0] if found else None


def plain(name):
    """A column's name without case, and _ for what separates words."""
    return re.sub(r"[\s\-_]+", "_", name.strip().casefold())


def read_rows(path):
    """Reads a table of text.

    The delimiter is what stands in the header: comma, semicolon or tab. Spaces around
    cells are no part of them; empty rows are left out.

    Args:
        path: path of a .csv or .tsv.

    Returns:
        `Table`.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if it is no UTF-8 text, or a quote is not closed.
        InputError: for a row with more cells than the header.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(
            "A case table must be a file. "
            f"Received: {type(path).__name__}. Pass its path."
        )
    path = Path(path)
    text = _text(path).lstrip("\r\n")
    delimiter, text = _delimiter(text, path)
    reader = csv.reader(
        # Old Macs ended lines by a return alone.
        io.StringIO(text, newline=None),
        delimiter=delimiter,
        skipinitialspace=True,
        strict=True,
    )
    try:
        header = [name.strip(INVISIBLE) for name in next(reader, [])]
        rows = [(reader.line_num, [c.strip() for c in row]) for row in reader]
    except csv.Error as error:
        raise FileFormatError(
            f"Quotes in a table must be closed before the cell ends, in {path}. "
            f"Received: {error} at or before row {reader.line_num}. "
            "Remove the quote or double it."
        ) from error
    found = []
    for number, cells in rows:
        if not any(cells):
            continue
        _check_cells(cells, header, number, path)
        row = dict(zip(header, cells, strict=False))
        found.append((number, {n: "" if _is_nothing(c) else c for n, c in row.items()}))
    return Table(path, tuple(name for name in header if name), found)


def _text(path):
    if not path.is_file():
        raise MissingFileError(
            f"A case table must be a file. Received: cases={path}. Check the path."
        )
    if path.stat().st_size > LARGEST_TABLE:
        raise FileFormatError(
            f"A case table must be text of at most {LARGEST_TABLE} bytes in {path}. "
            f"Received: bytes={path.stat().st_size}. Check the path."
        )
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first name.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"A case table must be UTF-8 csv in {path}. Received: {error}. "
            "Save it as csv (UTF-8)."
        ) from error
    if "\0" in text:
        raise FileFormatError(
            f"A case table must be UTF-8 csv in {path}. Received: bytes that are 0. "
            "Save it as csv (UTF-8)."
        )
    return text


def _delimiter(text, path):
    """The delimiter, and the text without a line that declares it (Excel's `sep=;`)."""
    first = text.splitlines()[0] if text else ""
    if declared := SEPARATOR.fullmatch(first):
        return declared[1], text[len(first) :].lstrip("\r\n")
    if path.suffix.lower() == ".tsv":
        return "\t", text
    return max(DELIMITERS, key=first.count), text


def _check_cells(cells, header, number, path):
    if any(cells[len(header) :]):
        raise InputError(
            f"A row must not have more cells than the header has names, in {path}. "
            f"Received: row {number} with {len(cells)} cells for {len(header)} names. "
            "Put cells that contain the delimiter into quotes."
        )
    broken = next((i for i, cell in enumerate(cells) if "\n" in cell), None)
    if broken is not None:
        name = header[broken] if broken < len(header) else "without a name"
        raise FileFormatError(
            f"A cell must not contain line breaks, in {path}. Received: column "
            f"{name}, before row {number + 1}. Close the quote or remove the breaks."
        )


def _is_nothing(cell):
    return cell.casefold() in NOTHING
