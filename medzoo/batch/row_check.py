"""A checksum in each row of a table, by which a number changed by hand is noticed."""

import hashlib
import json

CHECK_COLUMN = "row_check"
# A spreadsheet saves the digits that it shows; whoever corrects a number changes more.
DIGITS = 7
EMPTY = ("", "n/a")


def with_check(row):
    """Returns a row with the checksum of its other cells as its last column.

    Args:
        row: dict of column -> cell: text, a number, or as JSON has it.
    """
    others = {column: cell for column, cell in row.items() if column != CHECK_COLUMN}
    return {**others, CHECK_COLUMN: check_of(others)}


def check_of(row):
    """Returns a checksum of a row's cells: r and 15 hexadecimal digits.

    Empty cells, the order of columns and how a number is written do not count.

    Args:
        row: dict of column -> cell.
    """
    cells = {str(c).removeprefix("'"): _plain(cell) for c, cell in row.items()}
    cells.pop(CHECK_COLUMN, None)
    told = {column: cell for column, cell in cells.items() if cell not in EMPTY}
    text = json.dumps(told, sort_keys=True)
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    # Digits alone, or with an e, would be a number to a spreadsheet.
    return f"r{digest[:15]}"


def is_changed(row):
    """Whether a row differs from what medzoo wrote; False where it has no checksum.

    Args:
        row: dict of column -> cell, as read.
    """
    told = row.get(CHECK_COLUMN)
    return bool(told) and str(told).removeprefix("'") != check_of(row)


def _plain(cell):
    """A cell without what reading and writing a table changes."""
    if isinstance(cell, dict):
        return {str(name): _plain(value) for name, value in cell.items()}
    if isinstance(cell, list | tuple):
        return [_plain(value) for value in cell]
    text = "" if cell is None else str(cell).strip().removeprefix("'")
    try:
        return f"{float(text):.{DIGITS}g}"
    except ValueError:
        return text
