"""medzoo.recalibrate: from a model and twenty people to a model of their scanner."""

import csv
import json

import keras
import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.evaluation.evaluate import evaluate
from medzoo.models.from_recipe import build_model
from tests.conftest import without_engines
from tests.training.test_contrasts import SIZE
from tests.training.test_contrasts import recipe_of as cube_recipe

PEOPLE = 22
SHIFT = 12.0


def cube(seed, level):
    array = (
        np.random.default_rng(seed).normal(level, 0.1, (SIZE,) * 3).astype(np.float32)
    )
    return medzoo.Volume(array, np.diag([2.0, 2.0, 2.0, 1.0]))


def told(warnings):
    """Those about another scanner; a cube of noise is told of too."""
    return [text for text in warnings if "unlike that of the scanners" in text]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model folder whose network knows scans of a mean of 1."""
    keras.utils.set_random_seed(0)
    model = build_model(cube_recipe())
    generator = np.random.default_rng(0)
    for weight in model.trainable_weights:
        # The head is 0 before training, and all values would be alike.
        weight.assign(weight + generator.normal(0, 0.1, weight.shape))
    layer = model.get_layer("known_contrasts")
    known = np.stack([cube(seed, 1.0).array for seed in range(40)])[..., None]
    layer.fit(layer.describe(known), ["home", "other"] * 20)
    folder = tmp_path_factory.mktemp("base")
    return medzoo.save_recipe(
        model,
        folder,
        name="tiny_contrast",
        fine_tuned=False,
        postprocessing=[with_scanners(s) for s in cube_recipe()["postprocessing"]],
    )


def with_scanners(step):
    """As of a model of two scanners, each with a factor of its own."""
    if step["step"] != "familiarity":
        return step
    factors = {"scanners": [1.0, 1.2], "unknown": 1.5}
    return {**step, "arguments": {**step["arguments"], **factors}}


@pytest.fixture(scope="module")
def people(tmp_path_factory, base):
    """Scans of another scanner, of people who are twelve years older than predicted."""
    folder = tmp_path_factory.mktemp("people")
    model, values = medzoo.load(base), []
    for number in range(PEOPLE):
        scan = cube(100 + number, 1.3)
        medzoo.write(scan, folder / f"{number}.nii.gz")
        values.append(model.predict_volume(scan).value)
    # Up as often as down along the values: no line is better than a shift.
    noise = np.empty(PEOPLE)
    noise[np.argsort(values)] = 0.5 * np.resize([1.0, -1.0, -1.0, 1.0], PEOPLE)
    ages = np.array(values) + SHIFT + noise
    rows = [
        {"case_id": f"p{number}", "t1": f"{number}.nii.gz", "age": age}
        for number, age in enumerate(ages)
    ]
    path = folder / "cases.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def made(base, people, tmp_path_factory):
    lines = []
    folder = tmp_path_factory.mktemp("made") / "own"
    medzoo.recalibrate(base, people, folder, log=lines.append)
    return folder, lines


def test_values_are_shifted_and_the_scanner_is_known(base, made, people):
    folder, lines = made
    scan = medzoo.read(people.parent / "5.nii.gz")
    before = medzoo.load(base).predict_volume(scan)
    after = medzoo.load(folder).predict_volume(scan)
    assert after.value - before.value == pytest.approx(SHIFT, abs=0.5)
    assert told(before.warnings)
    assert not told(after.warnings)
    low, high = after.interval
    assert low < after.value < high
    assert high - low < 6
    assert lines[-1].startswith("shift: value = 1.000 x output +1")


def test_the_scanners_of_training_are_warned_of(made):
    assert told(medzoo.load(made[0]).predict_volume(cube(3, 1.0)).warnings)


def test_the_folder_says_where_it_comes_from_and_how_good_it_is(made, base):
    folder, _ = made
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["name"] == "tiny_contrast_recalibrated"
    assert recipe["base_model"]["name"] == "tiny_contrast"
    assert recipe["data"][0] == {
        "name": "scans of one more scanner",
        "cases": PEOPLE,
        "licence": "LicenseRef-not-published",
        "role": "recalibration",
    }
    assert medzoo.verify(folder)
    with without_engines():
        found = evaluate(folder, out_of_fold=True)
    assert found["metrics"]["mean_absolute_error"]["value"] < 1
    assert found["metrics"]["mean_absolute_error"]["n"] == PEOPLE


def test_predictions_left_out_are_those_of_the_others(made, people, base):
    with (made[0] / "out_of_fold.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # Two of the 22 share a part with another: there are twenty at most.
    assert [row["fold"] for row in rows] == [str(n % 20) for n in range(PEOPLE)]
    model = medzoo.load(base)
    with people.open(newline="", encoding="utf-8") as file:
        ages = [float(row["age"]) for row in csv.DictReader(file)]
    plain = [
        model.predict_volume(people.parent / f"{n}.nii.gz").value for n in range(PEOPLE)
    ]
    off = np.array(ages) - plain
    others = (off.sum() - off[4]) / (PEOPLE - 1)
    assert float(rows[4]["prediction"]) == pytest.approx(plain[4] + others, abs=1e-3)


def test_too_few_people_and_a_full_folder_are_refused(base, people, tmp_path):
    lines = people.read_text(encoding="utf-8").splitlines()[:3]
    (people.parent / "short.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match="enough people"):
        medzoo.recalibrate(base, people.parent / "short.csv", tmp_path / "own")
    assert not (tmp_path / "own").exists()
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="empty folder"):
        medzoo.recalibrate(base, people, full)
    assert (full / "notes.txt").read_text() == "mine"


def test_classes_are_fine_tuned_instead(people, tmp_path):
    with pytest.raises(InputError, match="Fine-tune it"):
        medzoo.recalibrate("ixi_sex_resnet", people, tmp_path / "own")
