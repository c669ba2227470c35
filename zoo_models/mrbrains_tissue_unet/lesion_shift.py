"""By how much the logit of lesions is raised after training: what it was chosen by.

    python lesion_shift.py MANUAL.csv

Training paints lesions into a few voxels of a hundred, and the head's bias learns
slowly, so the network is too unsure of lesions: of painted ones it finds about half of
the volume. Prints, for several shifts of the logit, the Dice of lesions painted into
the manual scans of the validation split (painted_lesions.py), with T1 and FLAIR and
with FLAIR alone, and the millilitres that it calls lesions in the T1 as it is, of young
people without lesions. MANUAL.csv is that of train.py. Takes a minute a scan on two
cores.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from painted_lesions import LESION, dice, painted, painter
from train import LESION_SHIFT

import medzoo

FOLDER = Path(__file__).parent
SHIFTS = (0, 1, 1.5, 2, 2.5, 3, 3.5)


def main(table):
    """Paints, predicts and prints."""
    model = medzoo.load(FOLDER)
    validation = model.recipe["training"]["split"]["validation"]
    folder = Path(table).parent
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["case_id"] in validation]
    found = []
    for row in rows:
        scan, labels = (medzoo.read(folder / row[k]) for k in ("t1", "mrbrains"))
        scans, classes = painted(scan, labels, painter(model))
        true = classes == LESION
        both = lesions_by_shift(model, scans)
        alone = lesions_by_shift(model, {"flair": scans["flair"]})
        healthy = lesions_by_shift(model, {"t1": scan})
        millilitre = abs(np.linalg.det(scan.affine[:3, :3])) / 1000
        found.append(
            [
                (dice(b, true), dice(a, true), h.sum() * millilitre)
                for b, a, h in zip(both, alone, healthy, strict=True)
            ]
        )
    say("shift  T1 and FLAIR  FLAIR alone  ml without lesions, each scan")
    for shift, values in zip(SHIFTS, np.swapaxes(found, 0, 1), strict=True):
        both, alone, _ = values.mean(axis=0)
        volumes = ", ".join(f"{volume:.2f}" for volume in values[:, 2])
        say(f"{shift:5.1f}  {both:12.3f}  {alone:11.3f}  {volumes}")


def lesions_by_shift(model, scans):
    """Returns for each shift of the trained network's logit what is called a lesion."""
    found = model.predict_volume(scans, probabilities=True).probabilities
    shares = np.asarray(found.array, np.float32)
    others = np.delete(shares, LESION, axis=-1).max(axis=-1)
    return [
        shares[..., LESION] * np.exp(shift - LESION_SHIFT) > others for shift in SHIFTS
    ]


def say(line):
    """Prints a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
