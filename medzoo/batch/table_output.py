"""Table output: replaces only an earlier table of the same inputs."""

import csv
import io
import json
from pathlib import Path

from medzoo.batch.case_records import (
    INPUT_COLUMN,
    LAST,
    MODEL_COLUMN,
    write_records,
)
from medzoo.batch.earlier_results import same_file
from medzoo.batch.output_places import hashes_of
from medzoo.batch.row_check import is_changed
from medzoo.errors import InputError
from medzoo.files import check_writable
from medzoo.volume import Volume

TABLE_SUFFIXES = (".csv", ".tsv", ".json")
# What medzoo writes of a case, besides its classes; other columns are somebody's notes.
NUMBERS = ("value", "unit", "interval", "interval_low", "interval_high", "coverage")
COLUMNS = ("case_id", *NUMBERS, "label", "probabilities", "uncertainty", *LAST)


class TableOutput:
    """A table of results: .csv, .tsv or .json.

    Besides the results it holds the model, the SHA-256 of each input and a checksum of
    each row, so that a table is replaced only by one of the same model and the same
    inputs, or by one that adds cases, and never where somebody changed it.

    Args:
        path: path; folders that do not exist are made when there are results.
        recipe: `Recipe`.
        cases: list of `Case`.
        inputs: paths of what else was read, as the table of cases.
        overwrite: bool, replace an existing file, except inputs.

    Raises:
        InputError: for another suffix, or where the table would replace what it must
            not.
        OSError: if nothing can be written there.
    """

    def __init__(self, path, recipe, cases, inputs=(), *, overwrite=False):
        self.path = Path(path)
        if self.path.suffix.lower() not in TABLE_SUFFIXES or self.path.is_dir():
            raise InputError(
                f"Results of this task are written as {', '.join(TABLE_SUFFIXES)}. "
                f"Received: output={path}. Choose another suffix."
            )
        self._recipe = recipe
        self._cases = {case.case_id: case for case in cases}
        images = [image for case in cases for image in case.images.values()]
        images = [image for image in images if not isinstance(image, Volume)]
        if any(same_file(self.path, given) for given in (*images, *inputs)):
            raise InputError(
                "A result must not replace an input. "
                f"Received: output={path}, which is read. Choose another name."
            )
        if self.path.exists() and not self.path.is_file():
            raise InputError(
                "A table of results must be a file. "
                f"Received: output={path}, a device or pipe. Choose another name."
            )
        check_writable(self.path)
        self._hashes = {}
        if self.path.exists() and not overwrite:
            self._check_same()

    def write(self, records):
        """Writes the records; returns the path."""
        told = [
            {
                **record,
                MODEL_COLUMN: f"{self._recipe.name}@{self._recipe.version}",
                INPUT_COLUMN: self._hash_of(record["case_id"]),
            }
            for record in records
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_records(self.path, told)
        return self.path

    def _check_same(self):
        if (reason := self._obstacle()) is not None:
            raise InputError(
                "A table may replace only earlier results of the same inputs. "
                f"Received: output={self.path}, which holds {reason}. Choose another "
                "name, or --overwrite to replace it."
            )

    def _obstacle(self):
        """Says what in an earlier table must not be replaced, or None."""
        table = _read(self.path)
        if table is None:
            return "no table written by medzoo"
        earlier, columns, changed = table
        if added := sorted(columns - self._own_columns()):
            return f"the columns {added}, which medzoo did not write"
        if changed:
            return f"a row that was changed after medzoo wrote it (case {changed[0]})"
        for case_id, (model, inputs) in earlier.items():
            if model.partition("@")[0] != self._recipe.name:
                return f"results of {model}"
            if case_id not in self._cases:
                return f"a result of case {case_id}, which is not predicted now"
            if inputs and inputs != self._hash_of(case_id):
                return f"a result of another input for case {case_id}"
        return None

    def _own_columns(self):
        classes = self._recipe.to_dict().get("class_names") or ()
        return {*COLUMNS, *classes, *(f"p({name})" for name in classes)}

    def _hash_of(self, case_id):
        if case_id not in self._hashes:
            images = self._cases[case_id].images
            try:
                found = [f"{name}={sha}" for name, sha in hashes_of(images).items()]
            except OSError:
                found = []
            self._hashes[case_id] = " ".join(found)
        return self._hashes[case_id]


def _read(path):
    """Returns what a table of results holds, or None for any other file.

    These are case_id -> (model, inputs), the columns, and the cases whose rows were
    changed. An empty file, as mktemp makes it, holds nothing to be lost.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if not text:
            return {}, set(), []
        if path.suffix.lower() == ".json":
            rows = json.loads(text)
        else:
            dialect = "excel-tab" if path.suffix.lower() == ".tsv" else "excel"
            lines = io.StringIO(text, newline="")
            rows = list(csv.DictReader(lines, dialect=dialect))
        found = {
            row["case_id"].removeprefix("'"): (
                row[MODEL_COLUMN].removeprefix("'"),
                row[INPUT_COLUMN].removeprefix("'"),
            )
            for row in rows
        }
        # Cells beyond the header have None for a name.
        columns = {str(name).removeprefix("'") for row in rows for name in row}
        changed = [row["case_id"] for row in rows if is_changed(row)]
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        csv.Error,
        RecursionError,
    ):
        return None
    return (found, columns, changed) if found else None
