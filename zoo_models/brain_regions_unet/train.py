"""Trains brain_regions_unet from manual and automatic region maps together.

    python train.py MANUAL.csv SILVER.csv RUNS

MANUAL.csv has the columns case_id, t1 (skull-stripped) and regions (manual codes),
SILVER.csv case_id, t1 (whole heads) and dlmuse (the same codes, automatic; white matter
in lobes and tracts, fluid around the brain 1); both have age and sex. RUNS is a folder
for checkpoints; started again, training goes on from there. The results replace those
in this folder: recipe.json, model.weights.h5, metrics.json and expected.json.

It starts from the weights of mrbrains_tissue_unet, whose body has the same topology;
the head is new. manual_codes.csv and silver_codes.csv say which class a code is, both
sides together. A label of the first may stand for several classes, see `unions` in
recipe.json: whole white matter for its lobes and tracts, and what is inside of the
stripped head but has no label for fluid or nothing.

It trains four times, see PHASES. The committed weights had 450 steps more before
these, with a head whose logits were multiplied by 0.1 and hardly learned, a rate
planned for 29 epochs in the first 3 of 24, and one planned for 18 in the first 7 of
the last 12 (notes.md).

On two cores, other work beside it: 7 to 25 minutes to prepare the scans, over four
hours to train (the first phase with bfloat16, on a processor that has it), an hour to
measure.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np

import medzoo
from medzoo.cli.main import main as command
from medzoo.inference.centiles import Person, mm3_by_code, reference

FOLDER = Path(__file__).parent
TISSUE = FOLDER.parent / "mrbrains_tissue_unet"
COLUMNS = ("case_id", "t1", "labels", "source", "age", "sex")
TABLES = ("manual_codes.csv", "silver_codes.csv")
# In manual_codes.csv: inside of the stripped head, without a label.
UNLABELLED = 250
# What each training has otherwise than recipe.json; the first alone ran with bfloat16.
LONGER = {"fine_tuning_rate": 0.0012, "dtype": "float32"}
PHASES = (
    {},
    {**LONGER, "epochs": 12, "validate_every": 12, "seed": 1},
    {**LONGER, "epochs": 13, "validate_every": 13, "seed": 3},
    {**LONGER, "epochs": 12, "validate_every": 12, "seed": 4},
)
SILVER_NAME = "IXI, automatic labels at 2 mm, whole head (validation split)"
# People of each source by which volumes are compared with those of the reference.
NUM_COMPARED = 20
# A region whose volume is off by more than this factor is something else here.
MOST_CORRECTED = 1.5


def main(manual, silver, runs):
    """Trains, copies the results here, and measures them."""
    runs = Path(runs).resolve()
    (runs / "labels").mkdir(parents=True, exist_ok=True)
    own, automatic = rows_of(manual, "regions", "manual"), rows_of(silver, "dlmuse")
    filled = [{**row, "labels": with_unlabelled(row, runs)} for row in own]
    table = write_table(runs / "cases.csv", [*filled, *automatic])
    start = runs / "start"
    write_start(start)
    for number, changes in enumerate(PHASES, 1):
        with_settings(start, changes)
        trained = runs / f"phase_{number}"
        cases = ["--cases", str(table), "-o", str(trained), "--feed", "cached"]
        code = command(["train", str(start), "--fine-tune", *cases])
        if code:
            return code
        for name in ("recipe.json", "model.weights.h5"):
            shutil.copyfile(trained / name, start / name)
    publish(trained, own, automatic)
    measure = ["evaluate", str(FOLDER), "-o", str(FOLDER / "metrics.json"), "--cases"]
    code = command([*measure, str(write_table(runs / "manual.csv", own))])
    if code:
        return code
    other = write_table(runs / "silver.csv", automatic)
    return command([*measure, str(other), "--as-external", SILVER_NAME])


def publish(trained, own, automatic):
    """Brings weights, recipe, corrections of volumes and expected answers here."""
    shutil.copyfile(trained / "model.weights.h5", FOLDER / "model.weights.h5")
    recipe = read_json(FOLDER / "recipe.json")
    recipe["weights"] = read_json(trained / "recipe.json")["weights"]
    write_json(FOLDER / "recipe.json", recipe)
    from medzoo.zoo.golden import write_expected

    model = medzoo.load(FOLDER)
    write_expected(model, FOLDER)
    step = next(s for s in recipe["postprocessing"] if s["step"] == "centiles")
    held_out = recipe["training"]["split"]["validation"]
    found = corrections(model, [own, automatic], held_out)
    step["arguments"]["corrections"] = found
    write_json(FOLDER / "recipe.json", recipe)


def with_unlabelled(row, runs):
    """Marks what is inside of a stripped head and has no label; returns the path."""
    scan, labels = medzoo.read(row["t1"]), medzoo.read(row["labels"])
    codes = np.asarray(labels.array).astype(np.int16)
    codes[(codes == 0) & (np.asarray(scan.array) > 0)] = UNLABELLED
    path = runs / "labels" / f"{row['case_id']}.nii.gz"
    medzoo.write(labels.with_array(codes), path)
    return path


def write_start(folder):
    """Makes a model folder that has the tissue model's body and a fresh head."""
    import keras

    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights

    recipe = read_json(FOLDER / "recipe.json")
    keras.utils.set_random_seed(0)
    model = build_model({**recipe, "weights": None})
    body = medzoo.load(TISSUE)
    for layer in model.layers:
        if not layer.weights or layer.name == model.head_name:
            continue
        given, fresh = body.get_layer(layer.name).get_weights(), layer.get_weights()
        if layer.name == "stem_conv":
            # Coordinates in place of the other channels and of the marks.
            kernel = 0.3 * fresh[0]
            kernel[..., 0, :] = given[0][..., 0, :]
            given = [kernel]
        layer.set_weights(given)
    folder.mkdir(exist_ok=True)
    facts = write_weights(model, folder / "model.weights.h5")
    recipe["weights"] = {**facts, "urls": []}
    write_json(folder / "recipe.json", recipe)
    for name in TABLES:
        shutil.copy(FOLDER / name, folder)


def with_settings(folder, changes):
    """Changes the settings of training in a model folder."""
    recipe = read_json(folder / "recipe.json")
    recipe["training"] |= changes
    write_json(folder / "recipe.json", recipe)


def corrections(model, sources, held_out):
    """What the model measures over what the reference population's method measures.

    Both sources' people are healthy, so that the middle of them belongs on the median
    of the population. Sources count alike, whatever their number of people.

    Returns:
        dict of region -> float, 1 where both measure the same, without regions that
        are too far off to be compared.
    """
    population = reference("muse")
    offsets = []
    for rows in sources:
        known = [row for row in rows if row["age"] and row["sex"]]
        chosen = spread(known, held_out)
        own = [compared(model, row, population) for row in chosen]
        offsets.append(np.mean(own, axis=0))
    mean = np.exp(np.mean(offsets, axis=0))
    return {
        name: round(float(value), 4)
        for name, value in zip(population.regions, mean, strict=True)
        if 1 / MOST_CORRECTED < value < MOST_CORRECTED
    }


def spread(rows, held_out):
    """People who had no part in training, and others of all ages."""
    unseen = [row for row in rows if row["case_id"] in held_out][:NUM_COMPARED]
    others = [row for row in rows if row["case_id"] not in held_out]
    ordered = sorted(others, key=lambda row: float(row["age"]))
    count = min(NUM_COMPARED - len(unseen), len(ordered))
    chosen = np.linspace(0, len(ordered) - 1, count)
    return unseen + [ordered[round(i)] for i in chosen]


def compared(model, row, population):
    """Logarithm of each region's volume over the median for the person."""
    volumes = mm3_by_code(model.predict_volume(row["t1"]))
    person = Person.of(row["age"], row["sex"])
    low, high = population.ages
    age = [min(max(person.age, low), high)]
    return [
        np.log(max(sum(volumes[code] for code in region["codes"]), 1.0))
        - np.log(population.curves(name, person.sex, age)[2, 0])
        for name, region in population.regions.items()
    ]


def rows_of(table, target, source="silver"):
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


def read_json(path):
    """Reads JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, content):
    """Writes JSON as recipes are written."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
