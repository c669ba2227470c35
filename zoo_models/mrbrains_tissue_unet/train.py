"""Trains mrbrains_tissue_unet from manual, automatic and synthetic data together.

    python train.py MANUAL.csv SILVER.csv LABEL_MAPS RUNS

MANUAL.csv has the columns case_id, t1 and mrbrains (label maps of the nine classes),
SILVER.csv case_id, t1 and dlmuse (MUSE regions, of which muse_to_mrbrains.csv makes
classes); both may have age and sex, for which results are told too. LABEL_MAPS is a
folder of .nii.gz label maps with FreeSurfer codes, of which T1, T1-IR and FLAIR are
synthesised. RUNS is a folder for checkpoints; started again, training goes on from
there. The results replace those in this folder: recipe.json, model.weights.h5,
metrics.json and expected.json.

It is trained twice: from fresh weights with the settings of FIRST below, then, as
recipe.json says, from what came out, with half the learning rate and more T1.

On two cores without a GPU: 9 minutes to prepare the scans, 1 hour for the first
training, HOURS for the second.
EXPECTED
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from medzoo.cli.main import main as medzoo

FOLDER = Path(__file__).parent
COLUMNS = ("case_id", "t1", "t1_ir", "flair", "labels", "source", "age", "sex")
# What the first training has otherwise than recipe.json.
FIRST = {
    "training": {"epochs": 37, "learning_rate": 0.001},
    "options": {"channel_rates": [0.8, 0.5, 0.6]},
    "manual": {"rate": 0.48, "synthesis_rate": 0.35},
    "silver": {"rate": 0.2},
    "label_map": {"rate": 0.32},
}
SILVER_NAME = "IXI, automatic labels at 2 mm, whole head (validation split)"


def main(manual, silver, label_maps, runs):
    """Trains, copies the results here, and measures them."""
    runs = Path(runs)
    runs.mkdir(parents=True, exist_ok=True)
    own, automatic = (
        rows_of(manual, "mrbrains", "manual"),
        rows_of(silver, "dlmuse", "silver"),
    )
    maps = [
        {"case_id": path.name.removesuffix(".nii.gz"), "labels": path.resolve()}
        for path in sorted(Path(label_maps).glob("*.nii.gz"))
    ]
    maps = [{**row, "source": "label_map"} for row in maps]
    table = write_table(runs / "cases.csv", [*own, *automatic, *maps])
    first, second = runs / "first", runs / "second"
    write_first_recipe(runs / "settings")
    cases = ["--cases", str(table)]
    code = medzoo(["train", str(runs / "settings"), *cases, "-o", str(first)])
    if code:
        return code
    start_from(first, runs / "start")
    start = ["train", str(runs / "start"), "--fine-tune", *cases]
    # Prepared scans are the same.
    second.mkdir(exist_ok=True)
    if not (second / "prepared").exists():
        (second / "prepared").symlink_to(first / "prepared")
    code = medzoo([*start, "-o", str(second)])
    if code:
        return code
    for file in ("recipe.json", "model.weights.h5"):
        shutil.copyfile(second / file, FOLDER / file)
    from medzoo.zoo.golden import write_expected
    from medzoo.zoo.load import load

    write_expected(load(FOLDER), FOLDER)
    measure = ["evaluate", str(FOLDER), "-o", str(FOLDER / "metrics.json"), "--cases"]
    code = medzoo([*measure, str(write_table(runs / "manual.csv", own))])
    if code:
        return code
    other = write_table(runs / "silver.csv", automatic)
    return medzoo([*measure, str(other), "--as-external", SILVER_NAME])


def write_first_recipe(folder):
    """Writes recipe.json with the settings of the first training, and its table."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    training = recipe["training"]
    training |= FIRST["training"]
    training["options"] |= FIRST["options"]
    for name, source in training["options"]["sources"].items():
        source |= FIRST[name]
    folder.mkdir(exist_ok=True)
    text = json.dumps({**recipe, "weights": None}, indent=2, ensure_ascii=False)
    (folder / "recipe.json").write_text(text + "\n", encoding="utf-8")
    shutil.copy(FOLDER / "muse_to_mrbrains.csv", folder)


def start_from(first, folder):
    """Makes a model folder of this recipe with the weights of the first training."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    trained = json.loads((first / "recipe.json").read_text(encoding="utf-8"))
    folder.mkdir(exist_ok=True)
    text = json.dumps({**recipe, "weights": trained["weights"]}, indent=2)
    (folder / "recipe.json").write_text(text + "\n", encoding="utf-8")
    shutil.copy(first / "model.weights.h5", folder)
    shutil.copy(FOLDER / "muse_to_mrbrains.csv", folder)


def rows_of(table, target, source):
    """Returns a case table's rows with absolute paths, its truth as `labels`."""
    folder = Path(table).resolve().parent
    with Path(table).open(newline="", encoding="utf-8-sig") as file:
        return [
            {
                "case_id": row["case_id"],
                "t1": folder / row["t1"],
                "labels": folder / row[target],
                "source": source,
                "age": row.get("age", ""),
                "sex": row.get("sex", ""),
            }
            for row in csv.DictReader(file)
        ]


def write_table(path, rows):
    """Writes a case table; returns its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
