"""How well the lesions of real scans are found.

    python real_lesions.py CASES.csv

CASES.csv has the columns case_id, t1, flair and lesions (label maps, 0 where there is
no lesion). Prints for each case, with T1 and FLAIR and with FLAIR alone, the Dice of
lesions, and the volumes of true and found ones in ml. Takes a minute a scan on two
cores.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from painted_lesions import LESION, dice

import medzoo
from medzoo.spatial import Grid, resample_to

FOLDER = Path(__file__).parent
SETS = (("t1", "flair"), ("flair",))


def main(table):
    """Predicts and prints."""
    model = medzoo.load(FOLDER)
    folder = Path(table).parent
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = {names: [] for names in SETS}
    for row in rows:
        truth = medzoo.read(folder / row["lesions"])
        truth = truth.with_array((np.asarray(truth.array) > 0).astype(np.float32))
        for names in SETS:
            given = {name: folder / row[name] for name in names}
            labels = model.predict_volume(given).labels
            true = resample_to(truth, Grid.of(labels)).array > 0.5
            lesions = labels.array == LESION
            millilitre = abs(np.linalg.det(labels.affine[:3, :3])) / 1000
            volumes = [float(a.sum() * millilitre) for a in (true, lesions)]
            found[names].append(dice(lesions, true))
            say(
                f"{row['case_id']}, {' and '.join(names)}: Dice {found[names][-1]:.3f},"
                f" {volumes[1]:.1f} ml found of {volumes[0]:.1f}"
            )
    for names, values in found.items():
        say(f"{' and '.join(names)}: mean Dice {np.mean(values):.3f}")


def say(line):
    """Prints a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
