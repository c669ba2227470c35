"""A cohort as one table: a row a case, with all numbers of all models.

It is written as TSV, with a JSON dictionary of its columns as BIDS has them, and as
Parquet where pyarrow is installed.
"""

import csv
import io
import json
from importlib.util import find_spec
from numbers import Real
from pathlib import Path

from medzoo.batch.case_records import cell
from medzoo.batch.earlier_results import same_file
from medzoo.batch.parquet_file import write_parquet
from medzoo.batch.record_columns import (
    TEXTS,
    as_cell,
    columns_of,
    is_result,
    meaning_of,
)
from medzoo.batch.row_check import CHECK_COLUMN, check_of, is_changed
from medzoo.errors import InputError
from medzoo.files import check_writable, write_text_atomically

NAME = "cohort"
SUFFIXES = (".tsv", ".json", ".parquet")
KEY = "case_id"
# The entry of the key in this dictionary marks tables that medzoo wrote.
KEY_MEANING = {"Description": "Case of medzoo: a scan, or a person's session"}
FIRST = {
    KEY: KEY_MEANING,
    "participant_id": {"Description": "Person"},
    "session_id": {"Description": "Session of the person"},
    "age": {"Description": "Age, from the data set", "Units": "year"},
    "sex": {"Description": "Sex, from the data set"},
}
LAST = {CHECK_COLUMN: {"Description": "Checksum of the row as medzoo wrote it"}}
NOT_KNOWN = "n/a"


class CohortTable:
    """Collects the predictions of all models and writes the table.

    Columns of a model begin with its name. Rows and columns of an earlier run into the
    same folder stay, but for what this run says anew.

    Args:
        folder: path, made when the table is written.
        recipes: list of dict, the models' recipes.
        inputs: paths of what is read, which nothing may replace.
        overwrite: bool, replace a table that medzoo did not write.
        by_case: bool, sort rows by their case.

    Raises:
        InputError: if the table would replace an input, or one that is not medzoo's or
            was changed by hand.
        OSError: if nothing can be written there.
    """

    def __init__(self, folder, recipes, *, inputs=(), overwrite=False, by_case=False):
        self.folder = Path(folder)
        self._recipes = {recipe["name"]: recipe for recipe in recipes}
        self._rows, self._by_case = {}, by_case
        check_writable(self.path)
        self._check_place(inputs, overwrite)
        is_ours = self.path.exists() and _is_ours(self._dictionary_path)
        self._earlier = _rows_of(self.path, overwrite) if is_ours else {}
        self._meanings = _dictionary_of(self._dictionary_path) if is_ours else {}

    @property
    def path(self):
        """Path of the TSV."""
        return self.folder / f"{NAME}.tsv"

    @property
    def _dictionary_path(self):
        return self.folder / f"{NAME}.json"

    def add(self, name, record, known=None):
        """Adds the prediction of one model on one case.

        Args:
            name: str, the model's.
            record: dict of `medzoo.predict`.
            known: dict or None, what else is known of the case: columns of `FIRST`.
        """
        row = self._rows.setdefault(record[KEY], {KEY: record[KEY]})
        row.update({k: v for k, v in (known or {}).items() if v and k in FIRST})
        told = columns_of(record)
        row.update({f"{name}_{column}": value for column, value in told.items()})

    def write(self):
        """Writes the tables; returns the path of the TSV."""
        rows = [row | {CHECK_COLUMN: _check(row)} for row in self._merged()]
        columns = [c for c in FIRST if any(c in row for row in rows)]
        named = {**FIRST, **LAST}
        columns += dict.fromkeys(c for row in rows for c in row if c not in named)
        columns += LAST
        self.folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_written(row.get(c, NOT_KNOWN)) for c in columns])
        told = {c: self._meaning(c) for c in columns}
        dictionary = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)
        write_text_atomically(self._dictionary_path, dictionary + "\n")
        write_text_atomically(self.path, text.getvalue())
        if find_spec("pyarrow") is not None:
            write_parquet(self.path.with_suffix(".parquet"), rows, columns, is_text)
        return self.path

    def _merged(self):
        """The rows of this run and of earlier ones, in the order of the cases."""
        found = {
            case_id: {c: v for c, v in row.items() if not self._is_outdated(c)}
            for case_id, row in self._earlier.items()
        }
        for case_id, row in self._rows.items():
            kept = {
                column: value
                for column, value in found.get(case_id, {}).items()
                if self._recipe_of(column) is None
            }
            found[case_id] = kept | row
        if self._by_case:
            return [found[case_id] for case_id in sorted(found)]
        return list(found.values())

    def _meaning(self, column):
        if column in {**FIRST, **LAST}:
            return {**FIRST, **LAST}[column]
        recipe = self._recipe_of(column)
        if recipe is not None:
            told = meaning_of(column.removeprefix(f"{recipe['name']}_"), recipe)
            return told | {"Model": _model_of(recipe)}
        return self._meanings.get(column, {"Description": "Of an earlier run"})

    def _is_outdated(self, column):
        """Whether a column of the earlier table is of another version of a model."""
        recipe, earlier = self._recipe_of(column), self._meanings.get(column)
        model = earlier.get("Model") if isinstance(earlier, dict) else None
        return None not in (recipe, model) and model != _model_of(recipe)

    def _recipe_of(self, column):
        """The recipe of this run whose result a column is, or None.

        A model "age" has no part in the columns of a model "age_flair".
        """
        for name, recipe in self._recipes.items():
            if column.startswith(f"{name}_") and is_result(
                column.removeprefix(f"{name}_")
            ):
                return recipe
        return None

    def _check_place(self, inputs, overwrite):
        for suffix in SUFFIXES:
            path = self.path.with_suffix(suffix)
            if any(same_file(path, given) for given in inputs):
                raise InputError(
                    "A result must not replace an input. "
                    f"Received: {path}, which is read. Choose another output."
                )
            if path.exists() and not overwrite and not _is_ours(self._dictionary_path):
                raise InputError(
                    "A table of results may replace only an earlier one. "
                    f"Received: {path}, which medzoo did not write. "
                    "Choose another output, or --overwrite to replace it."
                )


def _model_of(recipe):
    return f"{recipe['name']}@{recipe.get('version')}"


def _written(value):
    """A cell as it is written; a number below zero is no formula of a spreadsheet."""
    text = as_cell(value)
    return text if isinstance(value, Real) else cell(text)


def _check(row):
    """The checksum of a row as it is read back."""
    return check_of({column: as_cell(value) for column, value in row.items()})


def _is_ours(dictionary):
    return _dictionary_of(dictionary).get(KEY) == KEY_MEANING


def _dictionary_of(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _rows_of(path, overwrite):
    """The rows of an earlier table; numbers are numbers again."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    changed = next((row.get(KEY) for row in rows if is_changed(row)), None)
    if changed is not None and not overwrite:
        raise InputError(
            "A table of results may replace only an earlier one. Received: "
            f"{path}, with a row that was changed after medzoo wrote it (case "
            f"{changed}). Choose another output, or --overwrite to replace it."
        )
    found = {}
    for row in rows:
        known = {c: _value(c, v) for c, v in row.items() if c and v and v != NOT_KNOWN}
        if known.get(KEY):
            found[known[KEY]] = known
    return found


def _value(column, text):
    if is_text(column):
        return text.removeprefix("'")
    try:
        # Earlier versions quoted numbers below zero.
        return float(text.removeprefix("'"))
    except ValueError:
        return text


def is_text(column):
    """Whether a column holds words, as case_id and labels do."""
    if column in {**FIRST, **LAST}:
        return column != "age"
    return column.endswith(tuple(f"_{name}" for name in TEXTS))
