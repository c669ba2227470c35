"""Writes what explanations compare a scan with, into the folders of the zoo.

    python docs/build_explanation_files.py IXI.csv

IXI.csv has the columns case_id, t1 and age. Of every third person of known age:
population.npz, the mean of what ixi_age_resnet and ixi_sex_resnet see. Of all of known
age that ixi_representation_cae was trained on: latent.json, where their codes lie in
two dimensions and their ages in whole years. No file holds a scan, a code or a name.
Run it again when a preprocessing changes; tests/zoo/test_explanation_files.py tells.
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
        rows = [row for row in csv.DictReader(file) if row["age"]]
    folder = Path(cases).parent
    write_populations([folder / row["t1"] for row in rows[::EVERY]])
    write_codes(rows, folder)


def write_populations(scans):
    """Writes the mean of what the models of numbers see of scans."""
    for name in OF_PEOPLE:
        task, folder = task_and_folder(name)
        found, failed = mean_over(task, scans, progress=tell)
        if failed:
            raise failed[0][1]
        found.write(folder / FILE)


def write_codes(rows, scans):
    """Writes where the people of the training set lie.

    Args:
        rows: list of dict, the rows of the table.
        scans: pathlib.Path, the folder that their paths are relative to.
    """
    task, folder = task_and_folder(OF_CODES)
    held_out = set(task.recipe["training"]["split"]["validation"])
    rows = [row for row in rows if row["case_id"] not in held_out]
    codes = []
    for row in rows:
        codes.append(code_of(task, scans / row["t1"]))
        tell(len(codes))
    space = LatentSpace.of(codes, [float(row["age"]) for row in rows])
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
