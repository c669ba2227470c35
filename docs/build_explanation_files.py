"""Writes what explanations compare a scan with, into the folders of the zoo.

    python docs/build_explanation_files.py IXI.csv

IXI.csv has the columns case_id, t1 and age. Of every third person of known age:
population.npz, the mean of what ixi_age_resnet and ixi_sex_resnet see, and latent.json,
where their codes lie in two dimensions and their ages in whole years
(ixi_representation_cae). No file holds a scan, a code or a name. Run it again when a
preprocessing changes; tests/zoo/test_explanation_files.py tells.
"""

import csv
import sys
from pathlib import Path

from medzoo.explanation.explain import task_and_folder
from medzoo.explanation.latent_space import LATENT_FILE, LatentSpace
from medzoo.explanation.population import FILE, mean_over
from medzoo.files import write_text_atomically

EVERY = 3
OF_PEOPLE = ("ixi_age_resnet", "ixi_sex_resnet")
OF_CODES = "ixi_representation_cae"


def main(cases):
    """Writes the three files."""
    with Path(cases).open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["age"]][::EVERY]
    scans = [Path(cases).parent / row["t1"] for row in rows]
    ages = [float(row["age"]) for row in rows]
    for name in OF_PEOPLE:
        task, folder = task_and_folder(name)
        found, failed = mean_over(task, scans, progress=tell)
        if failed:
            raise failed[0][1]
        found.write(folder / FILE)
    task, folder = task_and_folder(OF_CODES)
    space = LatentSpace.of([code_of(task, scan) for scan in scans], ages)
    write_text_atomically(folder / LATENT_FILE, space.to_json())


def code_of(task, scan):
    """Returns the code of a scan, `(latent_dim,)`."""
    placed, _ = task.preprocess(scan)
    batch = task.normalize(placed.array[None])
    return task.model.encoder.predict(batch, verbose=0)[0]


def tell(done):
    """Says how many scans are done."""
    sys.stderr.write(f"{done} scans\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
