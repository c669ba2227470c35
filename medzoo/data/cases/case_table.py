"""cases.csv: one row a case, read once and checked before any work."""

from dataclasses import replace

from medzoo.data.cases.case import CASE_ID, Case
from medzoo.data.cases.people import plain_age, plain_sex
from medzoo.data.cases.same_people import (
    person_columns,
    warn_of_unclear_people,
    with_same_people,
)
from medzoo.data.cases.table_rows import LARGEST_TABLE, plain, read_rows
from medzoo.errors import InputError
from medzoo.io.remote import fetched, folder_of, is_url, joined

# Columns whose cells are brought into one way of writing.
PLAIN = {"age": plain_age, "sex": plain_sex}


def read_case_table(path, channels, *, target=None, columns=()):
    """Reads a case table.

    Names of columns are found whatever their case. A person is identified by a column
    `subject`, `participant_id` or likewise (`medzoo.data.cases.people.PERSON_COLUMNS`),
    or by BIDS names of the images; rows that share an image are of one person.

    Args:
        path: path or URL of a table with a header, see `read_rows`; relative paths in
            it start from its folder. Cells may be URLs of images.
        channels: list of dict `{"name", "required"}`, the columns with images.
        target: str or None, the column with the truth.
        columns: further columns to keep; absent ones are left out.

    Returns:
        list of `Case`, in the order of the table.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if it is no table.
        InputError: for a case_id that is malformed or not unique, an absent channel
            or target column, or an empty table.
    """
    table = _table(path)
    required = [c["name"] for c in channels if c.get("required", True)]
    wanted = ["case_id", *required, *([target] if target else [])]
    missing = [name for name in wanted if table.column(name) is None]
    if missing:
        raise InputError(
            f"A case table must have the columns {wanted} in {path}. "
            f"Received: columns={list(table.header)}. Add {missing}."
        )
    if not table.rows:
        raise InputError(
            f"A case table must have at least one row in {path}. Received: none."
        )
    asked = ("case_id", *(c["name"] for c in channels), *columns)
    reader = _Rows(table, channels, target, columns, asked)
    cases = [reader.case(number, row) for number, row in table.rows]
    _check_unique(cases, path)
    if target:
        # Only who measures or trains needs to know.
        warn_of_unclear_people(cases, table, reader.people)
    return with_same_people(cases)


def _table(path):
    if not is_url(path):
        return read_rows(path)
    with fetched(path, LARGEST_TABLE) as local:
        return replace(read_rows(local), path=path)


class _Rows:
    """Makes cases of rows."""

    def __init__(self, table, channels, target, columns, asked):
        self.path = table.path
        self.channels = [c["name"] for c in channels]
        self.target, self.columns = target, columns
        # As they are asked for -> as the table has them.
        self.names = {name: table.column(name) for name in asked}
        if target:
            self.names[target] = table.column(target)
        self.people = person_columns(table)
        self.person = next(iter(self.people), None)

    def case(self, number, row):
        case_id = self._cell(row, "case_id")
        if not CASE_ID.fullmatch(case_id) or case_id in (".", ".."):
            raise InputError(
                f"A case_id must match {CASE_ID.pattern} in {self.path}. Received: "
                f"case_id={case_id[:150]!r} in row {number}. Rename the case."
            )
        folder = folder_of(self.path)
        images = {name: self._cell(row, name) for name in self.channels}
        kept = {name: self._cell(row, name) for name in self.columns}
        return Case(
            case_id=case_id,
            images={
                name: joined(folder, cell) for name, cell in images.items() if cell
            },
            target=self._target(row),
            columns={name: cell for name, cell in kept.items() if cell},
            folder=folder,
            subject=row.get(self.person) or None,
            row=number,
            target_name=self.target,
        )

    def _target(self, row):
        """The text of the target cell; ages as plain numbers."""
        if not self.target:
            return None
        cell = row.get(self.names[self.target]) or ""
        return (plain_age(cell) if plain(self.target) == "age" else cell) or None

    def _cell(self, row, name):
        cell = row.get(self.names[name]) or ""
        return PLAIN.get(plain(name), str)(cell)


def _check_unique(cases, path):
    seen = {}
    for case in cases:
        if case.case_id in seen:
            raise InputError(
                f"A case_id must be unique in {path}. Received: case_id="
                f"{case.case_id!r} more than once, in rows {seen[case.case_id]} and "
                f"{case.row}. Rename one of them."
            )
        seen[case.case_id] = case.row
