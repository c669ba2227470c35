"""Trains ixi_age_resnet from the IXI scans of Hammersmith Hospital.

    python train.py CASES.csv RUNS

CASES.csv has the columns case_id, t1, dlmuse (a region map, code 1 the fluid around the
brain) and age. RUNS is a folder for checkpoints; started again, training goes on from
there. The results replace those in this folder: recipe.json, model.weights.h5,
out_of_fold.csv, metrics.json and expected.json. All settings stand in recipe.json.
"""

import shutil
import sys
from pathlib import Path

from medzoo.cli.main import main as medzoo

FOLDER = Path(__file__).parent
RESULTS = ("recipe.json", "model.weights.h5", "out_of_fold.csv")


def main(cases, runs):
    """Trains, copies the results here, and measures them."""
    code = medzoo(["train", str(FOLDER), "--cases", cases, "-o", runs])
    if code:
        return code
    for name in RESULTS:
        shutil.copyfile(Path(runs) / name, FOLDER / name)
    from medzoo.zoo.golden import write_expected
    from medzoo.zoo.load import load

    write_expected(load(FOLDER), FOLDER)
    metrics = str(FOLDER / "metrics.json")
    return medzoo(["evaluate", str(FOLDER), "--out-of-fold", "-o", metrics])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
