"""Case: the scans of one person at one time, and their target."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from medzoo.data.cases.people import bids_subject
from medzoo.io.remote import joined
from medzoo.volume import Volume

CASE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True)
class Case:
    """One row of a case table.

    Args:
        case_id: str, unique in its table.
        images: dict of channel name -> Path, URL (str), or Volume.
        target: str or None, the cell of the target column.
        columns: dict of str -> str, further columns that were asked for.
        folder: Path, what relative paths start from.
        subject: str or None, the person, from the table's own column.
        row: int or None, of the table, for messages.
        target_name: str or None, the column with the target, for messages.
    """

    case_id: str
    images: dict
    target: str | None = None
    columns: dict = field(default_factory=dict)
    folder: Path = Path()
    subject: str | None = None
    row: int | None = None
    target_name: str | None = None

    @property
    def person(self):
        """str: whose scan it is.

        From the table; else from BIDS names of the images or the case (`sub-XX`);
        else the case itself.
        """
        named = self.subject or self.columns.get("subject")
        if named:
            return named
        names = [i for i in self.images.values() if not isinstance(i, Volume)]
        found = (bids_subject(name) for name in (*names, self.case_id))
        return next((name for name in found if name), self.case_id)

    @property
    def place(self):
        """str: table, row and column of the case, for messages."""
        row = "" if self.row is None else f"row {self.row}, "
        column = "" if self.target_name is None else f"column {self.target_name}, "
        return f"{row}{column}case {self.case_id}"

    def path(self, column):
        """Returns the path in a further column, or None where the cell is empty."""
        cell = self.columns.get(column)
        return joined(self.folder, cell) if cell else None
