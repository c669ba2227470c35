"""out_of_scanner.csv: leave-one-scanner-out predictions."""

import csv
import io
from pathlib import Path

import numpy as np

from medzoo.data.cases.cohort import AGE, SEX, SOURCE
from medzoo.files import write_text_atomically
from medzoo.training.familiarity import familiarity, uncertainty_by_others
from medzoo.training.tasks import TASKS

OUT_OF_SCANNER_FILE = "out_of_scanner.csv"
# Columns of the case table that are written beside the predictions.
KNOWN = (SOURCE, AGE, SEX)


def judge_by_scanners(recipe, home, away, interval, cases, output, log):
    """Writes the leave-one-scanner-out predictions.

    Args:
        recipe: dict.
        home: `HeldOut`, people left out.
        away: `HeldOut`, scanners left out.
        interval: dict of the interval at home, or None for classes.
        cases: list of `Case`.
        output: path of the folder of out_of_scanner.csv.
        log: callable taking a line, or None.

    Returns:
        dict, arguments of the step "familiarity".
    """
    sources = sources_of(cases)
    uncertainty = uncertainty_by_others(recipe, home, away, sources)
    path = Path(output) / OUT_OF_SCANNER_FILE
    write_out_of_scanner(path, recipe, away, uncertainty, cases)
    if log is not None:
        log(scanner_errors_text(recipe, away, sources))
    return familiarity(recipe, home, away, interval, sources)


def write_out_of_scanner(path, recipe, held_out, uncertainty, cases):
    """Writes the prediction of each case by a readout that never saw its scanner.

    Args:
        path: path of the csv, replaced atomically.
        recipe: dict.
        held_out: `HeldOut`, scanners left out.
        uncertainty: intervals and factors, as `uncertainty_by_others` gives them.
        cases: list of `Case`.
    """
    task = TASKS[recipe["task"]](recipe)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case_id", "fold", *task.columns(), "distance", *KNOWN])
    sources = sources_of(cases)
    order = {name: number for number, name in enumerate(dict.fromkeys(sources))}
    for i, (case, interval, factor) in enumerate(zip(cases, *uncertainty, strict=True)):
        cells = task.cells(held_out.targets[i], held_out.outputs[i], interval, factor)
        known = [case.columns.get(name, "") for name in KNOWN]
        distance = f"{held_out.distances[i]:.4f}"
        fold = order[sources[i]]
        writer.writerow([case.case_id, fold, *cells, distance, *known])
    write_text_atomically(path, text.getvalue())


def scanner_errors_text(recipe, held_out, sources):
    """Returns a line on the errors on each scanner that was left out, for the log."""
    task = TASKS[recipe["task"]](recipe)
    parts = []
    for source in dict.fromkeys(sources):
        own = held_out.only(np.array([s == source for s in sources]))
        found = task.error_text(own.targets, own.outputs)
        parts.append(f"{source} left out: {found}")
    return "; ".join(parts)


def sources_of(cases):
    """Returns the scanner of each case, list of str."""
    return [case.columns.get(SOURCE, "") for case in cases]
