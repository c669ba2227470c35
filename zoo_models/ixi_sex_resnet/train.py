"""Trains ixi_sex_resnet from scans of two scanners, whole heads and brains alone.

    python train.py IXI.csv OASIS.csv RUNS

IXI.csv has the columns case_id, t1, dlmuse (a region map, code 1 the fluid around the
brain), age and sex (F, M); OASIS.csv case_id, t1 (skull-stripped, fluid included), age
and sex. RUNS is a folder for checkpoints; started again, training goes on from there.
The results replace those in this folder: recipe.json, model.weights.h5,
out_of_fold.csv, out_of_scanner.csv, metrics.json and expected.json, and beside them
out_of_fold_intracranial_volume.csv, the prediction from the volume alone in the same
folds. All settings stand in recipe.json.

On two cores without a GPU, by the log, other work beside it: 34 minutes to place the
scans, 6 to train.
Expected, cross-validated: accuracy 0.95 on 140 whole heads of IXI, 0.70 on 20 brains of
OASIS, 0.92 on both.
"""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
from scipy.special import softmax

from medzoo.cli.main import main as medzoo
from medzoo.io import read
from medzoo.training.ridge import ridge_classification

FOLDER = Path(__file__).parent
RESULTS = ("recipe.json", "model.weights.h5", "out_of_fold.csv", "out_of_scanner.csv")
COLUMNS = ("case_id", "t1", "dlmuse", "age", "sex", "source")
VOLUME_FILE = "out_of_fold_intracranial_volume.csv"


def main(ixi, oasis, runs):
    """Trains, copies the results here, and measures them."""
    runs = Path(runs)
    runs.mkdir(parents=True, exist_ok=True)
    rows = [*rows_of(ixi, "IXI"), *rows_of(oasis, "OASIS")]
    table = runs / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    code = medzoo(["train", str(FOLDER), "--cases", str(table), "-o", str(runs)])
    if code:
        return code
    for file in RESULTS:
        shutil.copyfile(runs / file, FOLDER / file)
    write_volume_baseline(rows)
    from medzoo.zoo.golden import write_expected
    from medzoo.zoo.load import load

    write_expected(load(FOLDER), FOLDER)
    metrics = str(FOLDER / "metrics.json")
    return medzoo(["evaluate", str(FOLDER), "-o", metrics, "--out-of-fold"])


def rows_of(table, source):
    """Returns a case table's labelled rows with absolute paths and their source."""
    folder = Path(table).resolve().parent
    rows = []
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["sex"]:
                kept = {name: row[name] for name in ("case_id", "age", "sex")}
                for name in ("t1", "dlmuse"):
                    kept[name] = folder / row[name] if row.get(name) else ""
                rows.append({**kept, "source": source})
    return rows


def write_volume_baseline(rows):
    """Writes what the intracranial volume alone says, in the folds of out_of_fold.csv.

    Region maps and stripped scans hold the fluid around the brain, but not as much of
    it, so each source has a constant of its own.
    """
    with (FOLDER / "out_of_fold.csv").open(newline="", encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    of_case = {row["case_id"]: row for row in rows}
    features = [features_of(of_case[case["case_id"]]) for case in cases]
    features = np.array(features)
    features -= features.mean(0)
    classes = np.array([[c["target"] == k for k in ("female", "male")] for c in cases])
    folds = np.array([case["fold"] for case in cases])
    names = np.array([case["case_id"] for case in cases])
    for fold in np.unique(folds):
        inside = folds != fold
        found, constant = ridge_classification(
            features[inside], classes[inside].astype(float), 1e-3, names[inside]
        )
        for i in np.flatnonzero(~inside):
            shares = softmax(features[i] @ found + constant)
            cases[i]["female"], cases[i]["male"] = (f"{p:.6f}" for p in shares)
    with (FOLDER / VOLUME_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(cases[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(cases)


def features_of(row):
    """Logarithm of the intracranial volume, in tens of percent, and the source."""
    inside = read(row["dlmuse"] or row["t1"])
    volume = (np.asarray(inside.array) > 0).sum() * np.prod(inside.spacing)
    return 10 * np.log(volume), float(row["source"] == "OASIS")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
