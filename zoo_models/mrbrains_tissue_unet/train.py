"""Trains mrbrains_tissue_unet from manual, automatic and synthetic data together.

    python train.py MANUAL.csv SILVER.csv LABEL_MAPS RUNS

MANUAL.csv has the columns case_id, t1 and mrbrains (label maps of the nine classes),
SILVER.csv case_id, t1 and dlmuse (MUSE regions, of which muse_to_mrbrains.csv makes
classes); both may have age and sex, for which results are told too. LABEL_MAPS is a
folder of .nii.gz label maps with FreeSurfer codes, of which T1, T1-IR and FLAIR are
synthesised. RUNS is a folder for checkpoints; started again, training goes on from
there. The results replace those in this folder: recipe.json, model.weights.h5,
metrics.json and expected.json.

It is trained five times, each from what came out before: PHASES says what is otherwise
than in recipe.json. The third has many small lesions, the fourth large patches, so that
large windows do at prediction; the last is the longest and lacks the T1 most often.
recipe.json has the settings of the fourth, with which a user's own data take minutes an
epoch without a GPU. (The committed weights were trained with 40 epochs planned in the
second, stopped after 28, and 84 in the last one, of which the averaged weights after 63
were taken.) In the end the logit of lesions is raised by LESION_SHIFT.

On two cores without a GPU: 9 minutes to prepare the scans, 1 hour for each of the first
two, half an hour for each of the next two, half a day for the last one (estimated). On
one H200, with 16 cores and KERAS_BACKEND=jax, 1 minute to prepare, 6 for the last one.
Expected: mean Dice 0.90 on three manual scans that were held out (cortical grey matter
0.93, basal ganglia 0.91, white matter 0.95, ventricles 0.90, cerebellum 0.97, brainstem
0.95), 0.90 on fifteen automatic ones; fluid outside the brain included.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from medzoo.cli.main import main as medzoo

FOLDER = Path(__file__).parent
COLUMNS = ("case_id", "t1", "t1_ir", "flair", "labels", "source", "age", "sex")
LESION = 4
# Added to the logit of lesions; lesion_shift.py prints what it was chosen by.
LESION_SHIFT = 2.5
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
    {
        "training": {
            "epochs": 63,
            "steps_per_epoch": 100,
            "batch_size": 2,
            "fine_tuning_rate": 7e-4,
            "final_fraction": 0.16,
            "validate_every": 63,
        },
        "options": {"channel_rates": [0.65, 0.3, 0.65]},
        "movement": {"scale": 0.12, "displacement": 4},
        "manual": {"rate": 0.42, "synthesis_rate": 0.5},
        "silver": {"rate": 0.28},
        "label_map": {"rate": 0.3},
    },
)
SILVER_NAME = "IXI, automatic labels at 2 mm, whole head (validation split)"


def main(manual, silver, label_maps, runs):
    """Trains, copies the results here, and measures them."""
    runs = Path(runs)
    runs.mkdir(parents=True, exist_ok=True)
    own, automatic, maps = sources_of(manual, silver, label_maps)
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
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    recipe["weights"] = write_shifted(before, FOLDER / "model.weights.h5", LESION_SHIFT)
    write_json(FOLDER / "recipe.json", recipe)
    from medzoo.zoo.golden import write_expected
    from medzoo.zoo.load import load

    write_expected(load(FOLDER), FOLDER)
    measure = ["evaluate", str(FOLDER), "-o", str(FOLDER / "metrics.json"), "--cases"]
    code = medzoo([*measure, str(write_table(runs / "manual.csv", own))])
    if code:
        return code
    other = write_table(runs / "silver.csv", automatic)
    return medzoo([*measure, str(other), "--as-external", SILVER_NAME])


def write_shifted(folder, path, shift):
    """Adds to the logit of lesions of a trained model; returns facts of the weights."""
    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights
    from medzoo.zoo.load import load

    trained = load(folder)
    model = build_model({**trained.recipe, "weights": None})
    model.set_weights(trained.get_weights())
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    # Its channels are sub-voxels by classes; what comes out is multiplied by `scale`.
    bias = bias.reshape(-1, len(trained.recipe["class_names"]))
    bias[:, LESION] += shift / float(model.get_layer("scale").scale)
    head.set_weights([kernel, bias.ravel()])
    return {**write_weights(model, path), "urls": []}


def write_start(folder, changes, before):
    """Makes a model folder of a phase: its settings, and the weights to start from."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    training = recipe["training"]
    training |= changes.get("training", {})
    training["options"] |= changes.get("options", {})
    training["options"]["movement"]["arguments"] |= changes.get("movement", {})
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
    write_json(folder / "recipe.json", recipe)
    shutil.copy(FOLDER / "muse_to_mrbrains.csv", folder)


def write_json(path, content):
    """Writes JSON as recipes are written."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def share_prepared(folder, prepared):
    """Scans are prepared in the same way for all phases: once is enough."""
    folder.mkdir(exist_ok=True)
    prepared.mkdir(exist_ok=True)
    if not (folder / "prepared").exists():
        (folder / "prepared").symlink_to(prepared.resolve())


def sources_of(manual, silver, label_maps):
    """Returns the rows of cases of the three sources, each a list of dict."""
    maps = [
        {"case_id": path.name.removesuffix(".nii.gz"), "labels": path.resolve()}
        for path in sorted(Path(label_maps).glob("*.nii.gz"))
    ]
    return (
        rows_of(manual, "mrbrains", "manual"),
        rows_of(silver, "dlmuse", "silver"),
        [{**row, "source": "label_map"} for row in maps],
    )


def rows_of(table, target, source):
    """Returns a table's rows that have this truth: absolute paths, it as `labels`."""
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
            if row[target]
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
