"""A table of codes: what the labels of a map mean as classes of a model."""

import csv
from pathlib import Path

import numpy as np

from medzoo.errors import FileFormatError, InputError, MissingFileError

LARGEST_CODE = 2**20


def read_code_table(path, num_classes):
    """Reads a csv of two columns with a header: a label's code, and its class.

    Args:
        path: path of the csv; further columns are ignored.
        num_classes: int, background included.

    Returns:
        dict of int -> int. Codes that are not in it are background.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: for what is no csv, rows that are not two whole numbers, a
            class out of range, or a code that stands twice.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"A table of codes must be a file. Received: codes={path}. Check the path."
        )
    table = {}
    for number, row in enumerate(_rows(path), 1):
        if number == 1 or not any(cell.strip() for cell in row):
            continue
        code, label = _two_numbers(row, number, path)
        if code in table or not 0 <= code <= LARGEST_CODE:
            raise _fault(path, number, row, "each code occurs once and is at least 0")
        if not 0 <= label < num_classes:
            raise _fault(path, number, row, f"a class is below {num_classes}")
        table[code] = label
    if not table:
        raise _fault(path, 2, [], "there is at least one row")
    return table


def recode(labels, table, num_classes):
    """Returns a label map as class indices.

    Args:
        labels: integer array, or of whole numbers.
        table: dict of int -> int, or None for labels that are indices already.
        num_classes: int, background included.

    Returns:
        uint8 array (uint16 above 256 classes) of the same shape.

    Raises:
        InputError: for labels that are not whole, or out of range without a table.
    """
    labels = np.asarray(labels)
    whole = labels.astype(np.int64)
    if (whole != labels).any():
        raise InputError(
            "A label map must hold whole numbers. "
            f"Received: values from {labels.min()} to {labels.max()}. "
            "Was it interpolated, or is it an image?"
        )
    low, high = int(whole.min()), int(whole.max())
    kind = np.uint8 if num_classes <= 256 else np.uint16
    if table is None:
        if not 0 <= low <= high < num_classes:
            raise InputError(
                f"Labels must be classes from 0 to {num_classes - 1}. "
                f"Received: labels from {low} to {high}. Give a table of codes."
            )
        return whole.astype(kind)
    if low < 0 or high > LARGEST_CODE:
        raise InputError(
            f"Codes must lie in 0 to {LARGEST_CODE}. "
            f"Received: labels from {low} to {high}."
        )
    lookup = np.zeros(max(high, *table) + 1, kind)
    for code, label in table.items():
        lookup[code] = label
    return lookup[whole]


def _rows(path):
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(
            f"A table of codes must be UTF-8 csv in {path}. Received: {error}. "
            "Save it as csv."
        ) from error


def _two_numbers(row, number, path):
    try:
        return int(row[0]), int(row[1])
    except (ValueError, IndexError) as error:
        raise _fault(path, number, row, "there are two whole numbers") from error


def _fault(path, number, row, rule):
    return FileFormatError(
        f"In each row of a table of codes {rule}, in {path}. "
        f"Received: row {number}={row}. Correct the row."
    )
