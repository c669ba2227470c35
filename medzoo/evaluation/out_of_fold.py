"""out_of_fold.csv: what the networks of a cross-validation say of unseen cases."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.errors import FileFormatError, MissingFileError

OUT_OF_FOLD_FILE = "out_of_fold.csv"
OUT_OF_SCANNER_FILE = "out_of_scanner.csv"


@dataclass(frozen=True)
class Truth:
    """Targets and predictions of the same cases.

    Args:
        target: `(cases,)` array: numbers, or class indices.
        prediction: `(cases,)` numbers, or `(cases, classes)` probabilities.
        low: `(cases,)` lower ends of the intervals, or None.
        high: `(cases,)` upper ends, or None.
        folds: list of int, or None where there are none.
        columns: list of dict, what else is known of each case (see
            `medzoo.data.cases.cohort`), or None.
    """

    target: np.ndarray
    prediction: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    folds: list | None = None
    columns: list | None = None

    def only(self, chosen):
        """Returns some of the cases, by mask or indices."""
        low, high = (None if a is None else a[chosen] for a in (self.low, self.high))
        return Truth(self.target[chosen], self.prediction[chosen], low, high)


def read_baselines(folder, recipe):
    """Reads what others answered in the same folds: out_of_fold_<name>.csv.

    Returns:
        dict of name -> `Truth`, words apart.
    """
    found = {}
    for path in sorted(Path(folder).glob(f"{OUT_OF_FOLD_FILE[:-4]}_*.csv")):
        name = path.stem.removeprefix(f"{OUT_OF_FOLD_FILE[:-4]}_")
        found[name] = read_out_of_fold(folder, recipe, path.name)
    return found


def read_out_of_scanner(folder, recipe):
    """Reads what readouts that never saw a scanner say of its people.

    Returns:
        dict of scanner -> `Truth`, {} where no scanners were left out.
    """
    if not (Path(folder) / OUT_OF_SCANNER_FILE).is_file():
        return {}
    truth = read_out_of_fold(folder, recipe, OUT_OF_SCANNER_FILE)
    sources = [row.get("source", "") for row in truth.columns]
    return {
        name: truth.only(np.array([source == name for source in sources]))
        for name in dict.fromkeys(sources)
    }


def read_out_of_fold(folder, recipe, name=OUT_OF_FOLD_FILE):
    """Reads the cross-validation of a model folder.

    Args:
        folder: path of the model's folder.
        recipe: dict, the recipe's content.
        name: str, the file's name.

    Returns:
        `Truth` with folds.

    Raises:
        MissingFileError: if the model was not cross-validated.
        FileFormatError: if the file is not as training writes it.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise MissingFileError(
            f"{recipe['name']} has no cross-validation. Received: {path}, which is "
            "not there. Give --cases with a truth instead."
        )
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        truth = _parse(rows, recipe)
    except (KeyError, ValueError, TypeError) as error:
        raise FileFormatError(
            f"A cross-validation must be as training writes it in {path}. "
            f"Received: {error!r}. Train the model again."
        ) from error
    return truth


def _parse(rows, recipe):
    if not rows:
        raise ValueError("no rows")
    folds = [int(row["fold"]) for row in rows]
    if recipe["task"] == "regression":
        names = ("target", "prediction", "low", "high")
        columns = [np.array([float(row[n]) for row in rows]) for n in names]
        if not all(np.isfinite(column).all() for column in columns):
            raise ValueError("numbers that are not finite")
        return Truth(*columns, folds, rows)
    names = recipe["class_names"]
    target = np.array([names.index(row["target"]) for row in rows])
    shares = np.array([[float(row[name]) for name in names] for row in rows])
    return Truth(target, shares, folds=folds, columns=rows)
