"""Whose scan is whose: rows of a table that are of one person."""

import warnings
from dataclasses import replace

from medzoo.data.cases.people import (
    PERSON_COLUMNS,
    SURE_COLUMNS,
    letters,
    names_people,
    one_spelling,
)
from medzoo.errors import MedzooWarning
from medzoo.volume import Volume


def person_columns(table):
    """Returns the columns of a `Table` that tell people apart, the best one first."""
    found = {}
    for name in table.header:
        found.setdefault(letters(name), []).append(name)
    usual = [
        column for name in PERSON_COLUMNS for column in found.get(letters(name), [])
    ]
    return usual + [c for c in table.header if c not in usual and names_people(c)]


def with_same_people(cases):
    """Gives cases of one person one name, so that no split takes them apart.

    One person's are cases whose names differ in nothing but case, leading zeros,
    `sub-` or a decimal 0, and those that share an image.

    Args:
        cases: list of `Case`.

    Returns:
        list of `Case`; those of one person have the name that the first of them has.
    """
    groups, first = _Groups(), {}
    for number, case in enumerate(cases):
        images = (i for i in case.images.values() if not isinstance(i, Volume))
        marks = [("image", str(image)) for image in images]
        if case.person != case.case_id:
            marks.append(("name", one_spelling(case.person)))
        for mark in marks:
            groups.join(number, first.setdefault(mark, number))
    named = [cases[groups.root(number)].person for number in range(len(cases))]
    return [
        case if case.person == name else replace(case, subject=name)
        for case, name in zip(cases, named, strict=True)
    ]


class _Groups:
    """Numbers that belong together; the smallest stands for its group."""

    def __init__(self):
        self._parents = {}

    def root(self, number):
        while (parent := self._parents.get(number, number)) != number:
            number = parent
        return number

    def join(self, one, other):
        low, high = sorted((self.root(one), self.root(other)))
        self._parents[high] = low


def warn_of_unclear_people(cases, table, columns):
    """Warns of rows without a person, and of columns that contradict each other.

    Args:
        cases: list of `Case`, a case a row.
        table: `Table`.
        columns: list of str, of `person_columns`.
    """
    if not columns:
        return
    first, *others = columns
    alone = [c.row for c in cases if not c.subject and c.person == c.case_id]
    if alone and len(alone) < len(cases):
        _warn(
            table,
            f"{len(alone)} empty cells in column {first} (row {alone[0]} first), each "
            "taken for a person of its own. Fill them",
        )
    for other in others:
        if letters(other) not in {letters(name) for name in SURE_COLUMNS}:
            continue
        both = {(row.get(first), row.get(other)) for _, row in table.rows}
        both = {pair for pair in both if all(pair)}
        if any(len({pair[side] for pair in both}) < len(both) for side in (0, 1)):
            _warn(
                table,
                f"columns {first} and {other}, which group the scans differently: "
                f"{first} counts. Rename the other if that is wrong",
            )


def _warn(table, received):
    warnings.warn(
        "A table should say of each scan whose it is, so that nobody is both trained "
        f"and tested on, in {table.path}. Received: {received}.",
        MedzooWarning,
        stacklevel=4,
    )
