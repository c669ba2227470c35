"""A readout of anatomy, from a table to a model: nothing of a scanner judges itself."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.models.from_recipe import build_model
from medzoo.training.measured_steps import with_steps
from medzoo.training.train import train
from medzoo.training.weights_file import write_weights

SIZE = 8


def recipe_of(task="regression"):
    body = {"filters": [4, 8], "strides": [[1, 1, 1], [2, 2, 2]], "num_classes": 3}
    features = {"regions": [[1], [2]], "whole": [0, 1, 2], "size": True}
    recipe = {
        "name": "tiny_anatomy",
        "version": "1.0",
        "task": task,
        "architecture": {
            "class": "AnatomyReadout3D",
            "arguments": {
                "input_shape": [SIZE, SIZE, SIZE, 1],
                "num_classes": 1 if task == "regression" else 2,
                "body": {"class": "ResidualUNet3D", "arguments": body},
                "features": features,
                "num_directions": 2,
            },
        },
        "channels": [{"name": "t1", "required": True}],
        "target": {"column": "age" if task == "regression" else "sex"},
        "preprocessing": {"spatial": [], "layers": []},
        "postprocessing": [
            {"step": "interval", "arguments": {"coverage": 0.5}},
            {"step": "familiarity", "arguments": {"coarsest_mm": 2.0}},
        ],
        "training": {
            "seed": 0,
            "split": {"num_folds": 3, "seed": 1},
            "readout": {"penalty": 0.01, "volumes": 0.7},
        },
    }
    if task == "regression":
        return {**recipe, "unit": "years", "class_names": None}
    recipe["postprocessing"] = recipe["postprocessing"][1:]
    recipe["target"]["values"] = {"F": "female", "M": "male"}
    return {**recipe, "class_names": ["female", "male"]}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Cubes that are larger with age, by two scanners."""
    tmp_path = tmp_path_factory.mktemp("cubes")
    generator = np.random.default_rng(0)
    rows = []
    for number in range(24):
        age = 20 + 2.5 * number
        array = generator.normal(0, 0.1, (SIZE, SIZE, SIZE)).astype("f4")
        side = 2 + number // 5
        array[:side, :side, :side] += 2.0
        path = tmp_path / f"{number}.nii.gz"
        medzoo.write(medzoo.Volume(array, np.eye(4)), path)
        source = "north" if number % 2 else "south"
        sex = "F" if number < 12 else "M"
        rows.append((f"c{number}", path.name, age, sex, source))
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "t1", "age", "sex", "source"))
        writer.writerows(rows)
    return tmp_path / "cases.csv"


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    def made(recipe):
        keras.utils.set_random_seed(0)
        path = tmp_path_factory.mktemp("start") / f"{recipe['task']}.weights.h5"
        write_weights(build_model({**recipe, "weights": None}), path)
        return path

    return made


@pytest.fixture(scope="module")
def kept(table, start, tmp_path_factory):
    """The folder of a readout of age, and what its training said."""
    recipe, lines = recipe_of(), []
    out = tmp_path_factory.mktemp("kept")
    return train(recipe, table, out, start=start(recipe), log=lines.append), lines


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_from_a_table_to_a_model_that_answers_as_its_files_say(table, kept):
    folder, lines = kept
    rows = read_rows(folder / "out_of_scanner.csv")
    assert {row["source"] for row in rows} == {"north", "south"}
    errors = [abs(float(r["prediction"]) - float(r["target"])) for r in rows]
    ages = np.array([float(row["target"]) for row in rows])
    assert np.mean(errors) < 0.7 * np.abs(ages - ages.mean()).mean()
    assert all(float(r["low"]) <= float(r["high"]) for r in rows)
    assert len(read_rows(folder / "out_of_fold.csv")) == 24
    assert any("north left out" in line for line in lines)
    content = json.loads((folder / "recipe.json").read_text())
    steps = {s["step"]: s["arguments"] for s in content["postprocessing"]}
    assert steps["interval"]["lower"] < steps["interval"]["upper"]
    assert steps["familiarity"]["usual"] > 0
    assert steps["familiarity"]["coarsest_mm"] == 2.0

    model = build_model(content)
    model.load_weights(folder / "model.weights.h5")
    scans = [medzoo.read(table.parent / f"{n}.nii.gz") for n in (0, 23)]
    young, old = (model.predict_volume(scan).value for scan in scans)
    assert old > young + 15


def test_features_serve_a_classification_with_probabilities(
    tmp_path, table, start, kept
):
    features = tmp_path / "sex" / "features"
    shutil.copytree(kept[0] / "features", features)
    before = {path.name for path in features.glob("*.npy")}
    recipe = recipe_of("classification")
    folder = train(recipe, table, tmp_path / "sex", start=start(recipe))

    assert before == {path.name for path in features.glob("*.npy")} != set()
    rows = read_rows(folder / "out_of_scanner.csv")
    right = [float(row[row["target"]]) > 0.5 for row in rows]
    assert np.mean(right) > 0.7
    for row in rows:
        assert float(row["female"]) + float(row["male"]) == pytest.approx(1, abs=1e-5)


def test_streamed_scans_give_the_same(tmp_path, table, start, kept):
    recipe = recipe_of()
    streamed = train(recipe, table, tmp_path, start=start(recipe), feed="streamed")
    name = "out_of_scanner.csv"
    assert (kept[0] / name).read_text() == (streamed / name).read_text()


def test_without_a_body_it_is_refused(tmp_path, table):
    with pytest.raises(InputError, match="body"):
        train(recipe_of(), table, tmp_path / "out")


def test_what_was_not_measured_is_left_out():
    content = with_steps(recipe_of(), {"interval": {"lower": -1}, "familiarity": None})
    assert content["postprocessing"] == [
        {"step": "interval", "arguments": {"coverage": 0.5, "lower": -1}}
    ]
