"""An ensemble that knows the contrasts of its scanners: from a table to predictions."""

import copy
import csv
import json

import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.training.train import train
from tests.conftest import run_eagerly

SIZE = 8


def recipe_of():
    member = {
        "input_shape": [SIZE, SIZE, SIZE, 1],
        "num_classes": 1,
        "filters": [4],
        "strides": [[2, 2, 2]],
        "normalization": "instance",
        "output_scale": 10.0,
        "output_offset": 50.0,
    }
    return {
        "schema": 1,
        "name": "tiny_contrast",
        "version": "1.0",
        "summary": "Age of cubes",
        "task": "regression",
        "architecture": {
            "class": "Ensemble3D",
            "arguments": {
                "num_members": 2,
                "member": {"class": "ResNet3D", "arguments": member},
                "known_contrasts": {},
            },
        },
        "channels": [{"name": "t1", "required": True}],
        "target": {"column": "age"},
        "preprocessing": {"spatial": [], "layers": []},
        "postprocessing": [
            {
                "step": "interval",
                "arguments": {"coverage": 0.5, "lower": -1.0, "upper": 1.0},
            },
            {
                "step": "familiarity",
                "arguments": {
                    "usual": 1.0,
                    "growth": 1.0,
                    "limit": 2.0,
                    "coarsest_mm": 2.0,
                },
            },
        ],
        "unit": "years",
        "weights": None,
        "training": {
            "epochs": 1,
            "batch_size": 8,
            "learning_rate": 0.001,
            "seed": 0,
            "split": {"num_folds": 2, "seed": 1},
        },
        "data": [{"name": "Cubes", "cases": 24, "licence": "CC0-1.0", "role": "all"}],
        "licence": "CC0-1.0",
        "citation": "None.",
        "intended_use": "Tests.",
        "limits": ["Cubes alone."],
    }


def write_table(folder, sources):
    """Writes 24 cubes, of the given sources in turn, and their table."""
    generator = np.random.default_rng(0)
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "t1", "age", "source"))
        for number in range(24):
            name, level = sources[number % len(sources)]
            medzoo.write(cube(generator, level), folder / f"{number}.nii.gz")
            writer.writerow((f"c{number}", f"{number}.nii.gz", 20 + number, name))
    return folder / "cases.csv"


def cube(generator, level):
    array = generator.normal(level, 0.1, (SIZE, SIZE, SIZE)).astype("f4")
    array[:4] += generator.normal(0, 0.1)
    return medzoo.Volume(array, np.eye(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that was trained on cubes of two scanners: levels of 1 and of 2."""
    place = tmp_path_factory.mktemp("cubes")
    # Text of a table never becomes a path.
    table = write_table(place, [("../GE 1.5 T", 1), ("Siemens/3 T", 2)])
    with run_eagerly():
        return train(recipe_of(), table, place / "model")


@pytest.fixture(scope="module")
def model(folder):
    return medzoo.load(folder)


def width(prediction):
    return prediction.interval[1] - prediction.interval[0]


def test_scanners_were_left_out_and_judged(folder):
    with (folder / "out_of_scanner.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {"../GE 1.5 T", "Siemens/3 T"}
    names = {path.name for path in (folder / "runs").iterdir() if path.is_dir()}
    assert names == {"fold-0", "fold-1", "without-0", "without-1"}
    # Each is far from the other, of which alone its distance is measured.
    assert min(float(row["distance"]) for row in rows) > 2
    recipe = json.loads((folder / "recipe.json").read_text())
    steps = {s["step"]: s["arguments"] for s in recipe["postprocessing"]}
    assert 0.5 < steps["familiarity"]["usual"] < 2.5
    assert steps["familiarity"]["coarsest_mm"] == 2.0


def test_a_scan_of_a_known_scanner_gets_the_usual_interval(model):
    generator = np.random.default_rng(5)
    for level in (1, 2):
        found = model.predict_volume(cube(generator, level))
        assert not [w for w in found.warnings if "contrast" in w]


def test_a_scan_of_another_scanner_is_told_and_gets_a_wider_interval(model):
    generator = np.random.default_rng(6)
    home = model.predict_volume(cube(generator, 1))
    away = model.predict_volume(cube(generator, 4))
    recipe = model.recipe["postprocessing"][-1]["arguments"]
    (warning,) = [w for w in away.warnings if "contrast of this scan" in w]
    assert "scanners that the model was trained on" in warning
    x = model.preprocessor(cube(generator, 4))[0]
    distance = model.contrast_distances(x)[0].min()
    assert distance > 3 * recipe["usual"]
    known = home.familiarity
    assert known.distance <= known.limit == recipe["limit"] < away.familiarity.distance
    assert (known.usual, known.coarsest_mm) == (recipe["usual"], 2.0)
    assert away.familiarity.factor >= known.factor >= 1
    if recipe["growth"]:
        assert width(away) > 1.1 * width(home)


def test_thick_slices_are_less_familiar(model):
    recipe = copy.deepcopy(model.recipe)
    step = recipe["postprocessing"][-1]["arguments"]
    step["limit"] = 2 * step["usual"]
    strict = medzoo.attach(model, recipe)
    array = cube(np.random.default_rng(7), 1).array
    thin, thick = (
        strict.predict_volume(medzoo.Volume(array, np.diag([1, 1, z, 1.0])))
        for z in (1, 12)
    )
    assert not [w for w in thin.warnings if "contrast of this scan" in w]
    assert [w for w in thick.warnings if "contrast of this scan" in w]
    assert thick.familiarity.distance > step["limit"] >= thin.familiarity.distance


def test_more_scanners_than_can_be_kept_are_refused_before_training(tmp_path):
    recipe = recipe_of()
    recipe["architecture"]["arguments"]["known_contrasts"] = {"num_contrasts": 2}
    table = write_table(tmp_path, [("a", 1), ("b", 2), ("c", 3)])
    with pytest.raises(InputError, match="3 in the column source"):
        train(recipe, table, tmp_path / "model")
    assert not list((tmp_path / "model" / "runs").glob("fold-*"))


def test_a_new_head_keeps_the_network_usable(folder):
    found = medzoo.load(folder, num_classes=2)
    assert found.output_shape == (None, 2)
