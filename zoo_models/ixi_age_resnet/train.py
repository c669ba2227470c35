"""Trains ixi_age_resnet: a linear readout of the anatomy that regions are found by.

    python train.py IXI.csv OASIS.csv OTHER.csv RUNS

IXI.csv has the columns case_id, t1 (whole heads), dlmuse (region maps, code 1 the fluid
around the brain), age and sex; OASIS.csv and OTHER.csv, of a third scanner, case_id, t1
(skull-stripped), age and sex. RUNS is a folder for what was measured; started again,
training goes on from there. The results replace those in this folder: recipe.json,
model.weights.h5, out_of_fold.csv, out_of_scanner.csv, metrics.json and expected.json.

The body is that of brain_regions_unet, frozen. The readout is a ridge regression on
volumes and on what tissue fills blocks of 16 mm, in closed form, with the scanners left
out one after the other.

On two cores: an hour to measure every head, seconds for the rest.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import medzoo
from medzoo.cli.main import main as command

FOLDER = Path(__file__).parent
REGIONS = FOLDER.parent / "brain_regions_unet"
RESULTS = ("recipe.json", "model.weights.h5", "out_of_fold.csv", "out_of_scanner.csv")
COLUMNS = ("case_id", "t1", "dlmuse", "source", "age", "sex")


def main(ixi, oasis, other, runs, folder=FOLDER):
    """Trains, copies the results to a model's folder, and measures them."""
    code = train(runs, folder, {"IXI": ixi, "OASIS": oasis, "ds002748": other})
    return code or measure(folder)


def train(runs, folder, tables):
    """Trains and copies the results to a model's folder; returns the exit code.

    Args:
        runs: path of the folder for what was measured.
        folder: path of the model's folder.
        tables: dict of scanner -> path of its case table.
    """
    output = Path(runs).resolve() / folder.name
    output.mkdir(parents=True, exist_ok=True)
    for other in output.parent.glob("*/features"):
        # Features are the same whatever is read out of them.
        if other.parent != output:
            shutil.copytree(other, output / "features", dirs_exist_ok=True)
    people = [row for name, path in tables.items() for row in rows_of(path, name)]
    table = write_table(output / "people.csv", people)
    write_start(output / "start", folder)
    asked = ["--cases", str(table), "-o", str(output), "--feed", "streamed"]
    code = command(["train", str(output / "start"), "--fine-tune", *asked])
    if code:
        return code
    for file in RESULTS:
        shutil.copyfile(output / file, folder / file)
    return 0


def measure(folder):
    """Writes expected answers and metrics of the new weights; the exit code."""
    from medzoo.zoo.golden import write_expected

    write_expected(medzoo.load(folder), folder)
    metrics = str(folder / "metrics.json")
    return command(["evaluate", str(folder), "-o", metrics, "--out-of-fold"])


def write_start(start, folder):
    """Makes a model folder with the body of the regions and a fresh readout."""
    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights

    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    model = build_model({**recipe, "weights": None})
    model.take_body(medzoo.load(REGIONS))
    start.mkdir(exist_ok=True)
    facts = write_weights(model, start / "model.weights.h5")
    recipe["weights"] = {**facts, "urls": []}
    text = json.dumps(recipe, indent=2, ensure_ascii=False)
    (start / "recipe.json").write_text(text + "\n", encoding="utf-8")


def rows_of(table, source):
    """Returns the rows of a case table that tell an age, with absolute paths."""
    folder = Path(table).resolve().parent
    rows = []
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if not row["age"]:
                continue
            kept = {name: row[name] for name in ("case_id", "age", "sex")}
            for name in ("t1", "dlmuse"):
                kept[name] = folder / row[name] if row.get(name) else ""
            rows.append({**kept, "source": source})
    return rows


def write_table(path, rows):
    """Writes a case table; returns its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
