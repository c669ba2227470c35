"""Trains ixi_age_resnet: a body that segments, and a readout of what it finds.

    python train.py MANUAL.csv SILVER.csv OTHER.csv RUNS

MANUAL.csv has the columns case_id, t1 (skull-stripped), regions (manual codes), age and
sex; SILVER.csv case_id, t1 (whole heads), dlmuse (the same codes, automatic, fluid
around the brain 1), age and sex; OTHER.csv case_id, t1 (skull-stripped), age and sex, of
a third scanner without labels. RUNS is a folder for checkpoints; started again,
training goes on from there. The results replace those in this folder: recipe.json,
model.weights.h5, out_of_fold.csv, out_of_scanner.csv, metrics.json and expected.json.

The body learns regions at 2 mm in the space of the atlas from the first two, real and
synthesised in any contrast (body.json is its recipe; the tables of codes are those of
brain_regions_unet). Then it is frozen, and the readout is a ridge regression on
volumes and local shares of tissue of all three scanners, left out one after the other.

On two cores with bfloat16: 7 minutes to prepare the scans, 1 hour for the body, half an
hour for the readout.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np

import medzoo
from medzoo.cli.main import main as command

FOLDER = Path(__file__).parent
REGIONS = FOLDER.parent / "brain_regions_unet"
RESULTS = ("recipe.json", "model.weights.h5", "out_of_fold.csv", "out_of_scanner.csv")
COLUMNS = ("case_id", "t1", "labels", "dlmuse", "source", "age", "sex")
TABLES = ("manual_codes.csv", "silver_codes.csv")
# In manual_codes.csv: inside of the stripped head, without a label.
UNLABELLED = 250


def main(manual, silver, other, runs):
    """Trains, copies the results here, and measures them."""
    runs = Path(runs).resolve()
    (runs / "labels").mkdir(parents=True, exist_ok=True)
    own = rows_of(manual, "manual", regions="labels")
    automatic = rows_of(silver, "silver", dlmuse="labels")
    filled = [{**row, "labels": with_unlabelled(row, runs)} for row in own]
    code = train_body(write_table(runs / "labelled.csv", [*filled, *automatic]), runs)
    if code:
        return code
    people = [
        *rows_of(silver, "IXI", dlmuse="dlmuse"),
        *rows_of(manual, "OASIS"),
        *rows_of(other, "ds002748"),
    ]
    table = write_table(runs / "people.csv", [row for row in people if row["age"]])
    write_start(runs / "start", runs / "body")
    cases = ["--cases", str(table), "-o", str(runs / "age")]
    code = command(["train", str(runs / "start"), "--fine-tune", *cases])
    if code:
        return code
    for file in RESULTS:
        shutil.copyfile(runs / "age" / file, FOLDER / file)
    from medzoo.zoo.golden import write_expected

    write_expected(medzoo.load(FOLDER), FOLDER)
    metrics = str(FOLDER / "metrics.json")
    return command(["evaluate", str(FOLDER), "-o", metrics, "--out-of-fold"])


def train_body(table, runs):
    """Trains the segmentation network; returns the exit code."""
    folder = runs / "body_start"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(FOLDER / "body.json", folder / "recipe.json")
    for name in TABLES:
        shutil.copy(REGIONS / name, folder)
    out = ["-o", str(runs / "body"), "--feed", "cached"]
    return command(["train", str(folder), "--cases", str(table), *out])


def write_start(folder, body):
    """Makes a model folder with the trained body and a fresh readout."""
    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights

    recipe = read_json(FOLDER / "recipe.json")
    model = build_model({**recipe, "weights": None})
    trained = build_model(read_json(body / "recipe.json"))
    trained.load_weights(body / "model.weights.h5")
    model.get_layer("body").set_weights(trained.get_weights())
    folder.mkdir(exist_ok=True)
    facts = write_weights(model, folder / "model.weights.h5")
    write_json(folder / "recipe.json", {**recipe, "weights": {**facts, "urls": []}})


def with_unlabelled(row, runs):
    """Marks what is inside of a stripped head and has no label; returns the path."""
    scan, labels = medzoo.read(row["t1"]), medzoo.read(row["labels"])
    codes = np.asarray(labels.array).astype(np.int16)
    codes[(codes == 0) & (np.asarray(scan.array) > 0)] = UNLABELLED
    path = runs / "labels" / f"{row['case_id']}.nii.gz"
    medzoo.write(labels.with_array(codes), path)
    return path


def rows_of(table, source, **columns):
    """Returns a case table's rows with absolute paths; `columns` are renamed."""
    folder = Path(table).resolve().parent
    rows = []
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            kept = {name: row.get(name, "") for name in ("case_id", "age", "sex")}
            for given, name in {"t1": "t1", **columns}.items():
                kept[name] = folder / row[given]
            rows.append({**kept, "source": source})
    return rows


def write_table(path, rows):
    """Writes a case table; returns its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_json(path):
    """Reads JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, content):
    """Writes JSON as recipes are written."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
