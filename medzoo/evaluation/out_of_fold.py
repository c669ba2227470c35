"""out_of_fold.csv: predictions of a cross-validation on held-out cases."""

import csv
from pathlib import Path

import numpy as np

from medzoo.errors import FileFormatError, MissingFileError
from medzoo.evaluation.tasks import TASKS

OUT_OF_FOLD_FILE = "out_of_fold.csv"
OUT_OF_SCANNER_FILE = "out_of_scanner.csv"


def read_baselines(folder, recipe):
    """Reads predictions of baselines in the same folds: out_of_fold_<name>.csv.

    Returns:
        dict of name -> `Truth`, words apart.
    """
    found = {}
    for path in sorted(Path(folder).glob(f"{OUT_OF_FOLD_FILE[:-4]}_*.csv")):
        name = path.stem.removeprefix(f"{OUT_OF_FOLD_FILE[:-4]}_")
        found[name] = read_out_of_fold(folder, recipe, path.name)
    return found


def read_out_of_scanner(folder, recipe):
    """Reads the predictions for scanners that were left out of training.

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
        if not rows:
            raise ValueError("no rows")
        return TASKS[recipe["task"]](recipe).read_rows(rows)
    except (KeyError, ValueError, TypeError) as error:
        raise FileFormatError(
            f"A cross-validation must be as training writes it in {path}. "
            f"Received: {error!r}. Train the model again."
        ) from error
