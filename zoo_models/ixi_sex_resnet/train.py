"""Trains ixi_sex_resnet: a linear readout of the anatomy that regions are found by.

    python train.py IXI.csv OASIS.csv RUNS

IXI.csv has the columns case_id, t1 (whole heads), dlmuse (region maps, code 1 the fluid
around the brain), age and sex (F, M); OASIS.csv case_id, t1 (skull-stripped), age and
sex. RUNS is a folder for what was measured: with that of ixi_age_resnet nothing is
measured again. The results replace those in this folder: recipe.json,
model.weights.h5, out_of_fold.csv, out_of_scanner.csv, metrics.json and expected.json,
and beside them out_of_fold_intracranial_volume.csv, what the volume of the brain alone
says in the same folds.

A scanner of which only women are known is left out: the readout would learn that the
scanner is female.

On two cores: an hour to measure every head, seconds for the rest.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import softmax

from medzoo.training.ridge import ridge_classification

FOLDER = Path(__file__).parent
VOLUME_FILE = "out_of_fold_intracranial_volume.csv"
sys.path.insert(0, str(FOLDER.parent / "ixi_age_resnet"))


def main(ixi, oasis, runs):
    """Trains, copies the results here, and measures them."""
    from train import measure, train

    code = train(runs, FOLDER, {"IXI": ixi, "OASIS": oasis})
    if code:
        return code
    write_volume_baseline(Path(runs) / FOLDER.name / "features")
    return measure(FOLDER)


def write_volume_baseline(measured):
    """Writes what the brain's volume alone says, in the folds of out_of_fold.csv.

    Args:
        measured: path of the folder with the features of every head.
    """
    with (FOLDER / "out_of_fold.csv").open(newline="", encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    volumes = np.array([volume_of(case["case_id"], measured) for case in cases])
    features = 10 * (volumes - volumes.mean())[:, None]
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


def volume_of(case_id, measured):
    """Logarithm of the brain's volume in a case as it is."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    place = len(recipe["architecture"]["arguments"]["features"]["regions"])
    (path,) = measured.glob(f"{case_id}.*.npy")
    return float(np.load(path)[-1, place])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
