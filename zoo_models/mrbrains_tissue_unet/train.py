"""Trains mrbrains_tissue_unet from manual, automatic and synthetic data together.

    python train.py MANUAL.csv SILVER.csv LABEL_MAPS RUNS

MANUAL.csv has the columns case_id, t1 and mrbrains (label maps of the nine classes),
SILVER.csv case_id, t1 and dlmuse (MUSE regions, of which muse_to_mrbrains.csv makes
classes); both may have age and sex, for which results are told too. LABEL_MAPS is a
folder of .nii.gz label maps with FreeSurfer codes, of which T1, T1-IR and FLAIR are
synthesised. RUNS is a folder for checkpoints; started again, training goes on from
there. The results replace those in this folder: recipe.json, model.weights.h5,
metrics.json and expected.json.

It is trained four times, each from what came out before: PHASES says what is otherwise
than in recipe.json. The third has many small lesions, and the last one large patches,
so that large windows do at prediction, and more of them without a T1. (The committed
weights were trained with 40 epochs planned in the second one, and stopped after 28.)

On two cores without a GPU: 9 minutes to prepare the scans, 1 hour for each of the first
two, half an hour for each of the last two.
Expected: mean Dice 0.87 on three manual scans that were held out (cortical grey matter
0.90, basal ganglia 0.88, white matter 0.93, ventricles 0.88, cerebellum 0.96, brainstem
0.94), 0.86 on fifteen automatic ones; fluid outside the brain included.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from medzoo.cli.main import main as medzoo

FOLDER = Path(__file__).parent
COLUMNS = ("case_id", "t1", "t1_ir", "flair", "labels", "source", "age", "sex")
FEW_LESIONS = {"num_lesions": [1, 12], "radius": [1, 5]}
UNTOLD_LESIONS = {"3": [3, 4]}
SMALL_PATCHES = {"patch_size": [64, 64, 64], "batch_size": 2, "steps_per_epoch": 100}
# What each training has otherwise than recipe.json: settings, options, sources.
PHASES = (
    {
        "training": {**SMALL_PATCHES, "epochs": 37, "learning_rate": 0.001},
        "options": {"channel_rates": [0.8, 0.5, 0.6]},
        "manual": {"rate": 0.48, "synthesis_rate": 0.35, "lesions": 0.4},
        "silver": {"rate": 0.2, "any_of": UNTOLD_LESIONS},
        "label_map": {"rate": 0.32, "lesions": 0.7},
    },
    {
        "training": {
            **SMALL_PATCHES,
            "epochs": 28,
            "fine_tuning_rate": 4e-4,
            "final_fraction": 0.23,
        },
        "options": {"channel_rates": [0.9, 0.4, 0.5]},
        "manual": {"rate": 0.48, "synthesis_rate": 0.3, "lesions": 0.4},
        "silver": {"rate": 0.27, "any_of": UNTOLD_LESIONS},
        "label_map": {"rate": 0.25, "lesions": 0.7},
    },
    {
        "training": {**SMALL_PATCHES, "epochs": 15},
        "options": {"channel_rates": [0.95, 0.25, 0.75]},
    },
    {},
)
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
    before = None
    for number, changes in enumerate(PHASES, 1):
        folder, start = runs / f"phase_{number}", runs / f"start_{number}"
        write_start(start, changes, before)
        share_prepared(folder, runs / "prepared")
        go_on = [] if before is None else ["--fine-tune"]
        cases = ["--cases", str(table), "-o", str(folder)]
        code = medzoo(["train", str(start), *go_on, *cases])
        if code:
            return code
        before = folder
    for file in ("recipe.json", "model.weights.h5"):
        shutil.copyfile(before / file, FOLDER / file)
    from medzoo.zoo.golden import write_expected
    from medzoo.zoo.load import load

    write_expected(load(FOLDER), FOLDER)
    measure = ["evaluate", str(FOLDER), "-o", str(FOLDER / "metrics.json"), "--cases"]
    code = medzoo([*measure, str(write_table(runs / "manual.csv", own))])
    if code:
        return code
    other = write_table(runs / "silver.csv", automatic)
    return medzoo([*measure, str(other), "--as-external", SILVER_NAME])


def write_start(folder, changes, before):
    """Makes a model folder of a phase: its settings, and the weights to start from."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    training = recipe["training"]
    training |= changes.get("training", {})
    training["options"] |= changes.get("options", {})
    for name, source in training["options"]["sources"].items():
        own = dict(changes.get(name, {}))
        if "lesions" in own:
            lesions = source["lesions"]["arguments"]
            own["lesions"] = {
                **source["lesions"],
                "arguments": {**lesions, **FEW_LESIONS, "rate": own["lesions"]},
            }
        source |= own
    recipe["weights"] = None
    folder.mkdir(exist_ok=True)
    if before is not None:
        trained = json.loads((before / "recipe.json").read_text(encoding="utf-8"))
        recipe["weights"] = trained["weights"]
        shutil.copy(before / "model.weights.h5", folder)
    text = json.dumps(recipe, indent=2, ensure_ascii=False)
    (folder / "recipe.json").write_text(text + "\n", encoding="utf-8")
    shutil.copy(FOLDER / "muse_to_mrbrains.csv", folder)


def share_prepared(folder, prepared):
    """Scans are prepared in the same way for all phases: once is enough."""
    folder.mkdir(exist_ok=True)
    prepared.mkdir(exist_ok=True)
    if not (folder / "prepared").exists():
        (folder / "prepared").symlink_to(prepared.resolve())


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
