"""IXI's spreadsheet: age and sex of each subject, where it is sure of them."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import FileFormatError, InputError, MissingFileError

SHEET = "Table"
ID_COLUMN, AGE_COLUMN = "IXI_ID", "AGE"
# Its name goes on with what the codes mean: "SEX_ID (1=m, 2=f)".
SEX_COLUMN = "SEX_ID"
SEXES = {1: "M", 2: "F"}
# Volunteers were adults; the spreadsheet has zeros where the age is not known.
PLAUSIBLE_AGES = (15.0, 100.0)


@dataclass(frozen=True)
class Person:
    """What is known of a subject.

    Args:
        age: float, years at the scan, or None.
        sex: "M", "F" or None.
    """

    age: float | None = None
    sex: str | None = None


def read_demographics(path):
    """Reads the spreadsheet IXI.xls, or the same saved as csv, xlsx or ods.

    A subject with several rows has what they agree on: where they give two ages, the
    age is left out, and so is the sex. Ages outside 15 to 100 years and codes of sex
    other than 1 and 2 count as not given.

    Args:
        path: path of the spreadsheet.

    Returns:
        dict of subject number (int) -> `Person`.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if it is no spreadsheet with the columns of IXI.xls.
        InputError: if the package that reads spreadsheets is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"A spreadsheet must be a file. Received: {path}. Check the path."
        )
    read = _csv_rows if path.suffix.lower() == ".csv" else _spreadsheet_rows
    header, *rows = read(path) or [[]]
    names = [str(cell).strip() for cell in header]
    number, age = (_column(names, n, path) for n in (ID_COLUMN, AGE_COLUMN))
    sex = _column(names, SEX_COLUMN, path)
    ages, sexes = defaultdict(set), defaultdict(set)
    for row in rows:
        subject = _number(row[number]) if len(row) > max(number, age, sex) else None
        if subject is not None:
            ages[int(subject)].add(_plausible_age(row[age]))
            sexes[int(subject)].add(SEXES.get(_number(row[sex])))
    return {
        subject: Person(_only(ages[subject]), _only(sexes[subject]))
        for subject in sorted(ages)
    }


def _csv_rows(path):
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _fault(path, error) from error


def _spreadsheet_rows(path):
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise InputError(
            "Reading a spreadsheet needs the package python-calamine. Received: "
            f"{path}. Run `pip install medzoo[ixi]`, or save it as {path.stem}.csv "
            "beside it."
        ) from error
    try:
        book = CalamineWorkbook.from_path(str(path))
        name = SHEET if SHEET in book.sheet_names else book.sheet_names[0]
        return book.get_sheet_by_name(name).to_python()
    except (CalamineError, OSError, IndexError) as error:
        raise _fault(path, error) from error


def _column(names, wanted, path):
    """The place of a column by the first word of its name."""
    for place, name in enumerate(names):
        if name.split(" ")[0].upper() == wanted:
            return place
    raise _fault(path, f"columns={names[:20]}")


def _fault(path, reason):
    return FileFormatError(
        f"IXI's spreadsheet must have the columns {ID_COLUMN}, {SEX_COLUMN} and "
        f"{AGE_COLUMN} in {path}. Received: {reason}. Fetch it again."
    )


def _number(cell):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _plausible_age(cell):
    age = _number(cell)
    low, high = PLAUSIBLE_AGES
    return age if age is not None and low <= age <= high else None


def _only(values):
    """What several rows agree on; rows without a value do not disagree."""
    known = values - {None}
    return known.pop() if len(known) == 1 else None
