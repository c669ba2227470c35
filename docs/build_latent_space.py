"""Writes the latent.json of an autoencoder: where people's codes lie, and their ages.

    python docs/build_latent_space.py NAME CASES.csv OUT.json

CASES.csv has the columns of the model's channels and age. Of each person the file holds
two coordinates and the age in whole years: no code, no name, no scan.
"""

import csv
import sys
from pathlib import Path

from medzoo.explanation.latent_space import LatentSpace
from medzoo.files import write_text_atomically
from medzoo.zoo.load import load


def main(name, cases, output):
    """Encodes the people of a table and writes their places."""
    model = load(name)
    with Path(cases).open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["age"]]
    channel, folder = model.recipe["channels"][0]["name"], Path(cases).parent
    preprocessor, codes = model.preprocessor, []
    for number, row in enumerate(rows, start=1):
        x, _ = preprocessor(folder / row[channel])
        codes.append(model.encoder.predict(x, verbose=0)[0])
        sys.stderr.write(f"{number} of {len(rows)}\n")
    space = LatentSpace.of(codes, [float(row["age"]) for row in rows])
    write_text_atomically(output, space.to_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
