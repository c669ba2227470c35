"""Training: from cases to a model folder, resumable, without leakage."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from medzoo.data.feeds.dataset import dataset
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError, RecipeError
from medzoo.training.history import read_history
from medzoo.training.image_training import _forget
from medzoo.training.prediction_interval import error_bounds
from medzoo.training.settings import TrainingSettings
from medzoo.training.train import train
from medzoo.zoo.load import load
from tests.conftest import CHECKOUT, run_eagerly

EPOCHS = 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory, study):
    from tests.training.conftest import tiny_recipe

    folder = tmp_path_factory.mktemp("trained")
    lines = []
    with run_eagerly():
        train(tiny_recipe(epochs=EPOCHS), study, folder, log=lines.append)
    return folder, lines


def test_out_of_fold_predictions_cover_every_labelled_case_once(trained):
    folder, _ = trained
    with (folder / "out_of_fold.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["case_id"] for row in rows) == sorted(f"c{i}" for i in range(12))
    assert {row["fold"] for row in rows} == {"0", "1"}
    assert all(float(r["low"]) < float(r["high"]) for r in rows)


def test_folder_loads_as_a_model_that_agrees_with_its_members(trained, study):
    folder, _ = trained
    model = load(folder)
    scan = study.parent / "c4.nii.gz"
    prediction = model.predict_volume(scan)
    x, _ = model.preprocessor(scan)
    both = np.concatenate([x, x[:, ::-1]])
    members = [np.asarray(m(both, training=False)).mean() for m in model.members]
    assert prediction.value == pytest.approx(np.mean(members), abs=1e-3)
    recipe = json.loads((folder / "recipe.json").read_text())
    bounds = recipe["postprocessing"][1]["arguments"]
    assert prediction.interval[1] - prediction.value == pytest.approx(bounds["upper"])


def test_held_out_predictions_come_from_the_network_that_did_not_see_them(
    trained, study
):
    folder, _ = trained
    model = load(folder)
    with (folder / "out_of_fold.csv").open() as file:
        rows = {row["case_id"]: row for row in csv.DictReader(file)}
    x, _ = model.preprocessor(study.parent / "c6.nii.gz")
    member = model.members[int(rows["c6"]["fold"])]
    both = np.concatenate([x, x[:, ::-1]])
    value = float(np.asarray(member(both, training=False)).mean())
    # float16 weights move a value by less than a tenth of a year.
    assert float(rows["c6"]["prediction"]) == pytest.approx(value, abs=0.1)


def test_each_network_leaves_its_history(trained):
    folder, lines = trained
    assert "2 networks to train: fold 0, fold 1" in lines
    for run in ("fold-0", "fold-1"):
        rows = read_history(folder / "runs" / run)
        assert [row["epoch"] for row in rows] == list(range(1, EPOCHS + 1))
        assert all(row["learning_rate"] > 0 for row in rows)
        assert (folder / "runs" / run / "history.png").is_file()


def test_finished_folds_are_not_trained_again(trained, study, make_recipe):
    folder, lines = trained
    assert any(f"epoch {EPOCHS}/{EPOCHS}" in line for line in lines)
    again = []
    before = (folder / "out_of_fold.csv").read_text()
    train(make_recipe(epochs=EPOCHS), study, folder, log=again.append)
    assert not any("epoch" in line for line in again)
    assert (folder / "out_of_fold.csv").read_text() == before


@pytest.mark.usefixtures("eagerly")
def test_fine_tuning_goes_on_from_the_weights_of_each_member(trained, study, tmp_path):
    folder, _ = trained
    recipe = json.loads((folder / "recipe.json").read_text())
    recipe["training"] |= {"epochs": 1, "fine_tuning_rate": 1e-9}

    train(recipe, study, tmp_path, start=folder / "model.weights.h5")

    before, after = load(folder).get_weights(), load(tmp_path).get_weights()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    written = json.loads((tmp_path / "recipe.json").read_text())["training"]
    assert written == recipe["training"]


@pytest.mark.parametrize(
    "feed", ["cached", pytest.param("streamed", marks=pytest.mark.extended)]
)
@pytest.mark.usefixtures("eagerly")
def test_where_scans_are_kept_changes_no_result(trained, tmp_path, study, feed):
    from tests.training.conftest import tiny_recipe

    folder, _ = trained
    train(tiny_recipe(epochs=EPOCHS), study, tmp_path, feed=feed)
    found = (tmp_path / "out_of_fold.csv").read_text()
    assert found == (folder / "out_of_fold.csv").read_text()
    assert (tmp_path / "prepared").exists() == (feed == "cached")
    with pytest.raises(InputError, match="mode='disk'"):
        train(tiny_recipe(epochs=EPOCHS), study, tmp_path, feed="disk")


def test_sigterm_saves_and_stops(tmp_path, study):
    # In a process of its own: should the signal end it, the test fails alone.
    command = [sys.executable, "-m", "tests.training.terminated"]
    done = subprocess.run(
        [*command, str(study), str(tmp_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # The epoch that ran is finished and saved, the fourth is not begun.
    kept = sorted(path.name for path in tmp_path.glob("epoch-*.npz"))
    assert kept[-1] == "epoch-00003.npz"


def test_training_sees_the_tensor_that_the_loaded_model_sees(study, recipe):
    from medzoo.models.from_recipe import build_model

    model = build_model(recipe)
    data = dataset(study, recipe, augment=False, shuffle=False, batch_size=12)
    images, targets = data[0]
    for number, case in enumerate(read_cases(study, recipe["channels"])[:12]):
        x, _ = model.preprocessor(case.images["t1"])
        np.testing.assert_array_equal(images[number], x[0])
        assert targets[number, 0] == 20 + 5 * number


def test_unknown_training_setting_is_refused(recipe):
    recipe["training"]["epoch"] = 3
    with pytest.raises(RecipeError, match=r"Received: \['epoch'\]"):
        TrainingSettings.from_recipe(recipe)


def test_ensemble_must_have_a_member_a_fold(tmp_path, study, recipe):
    recipe["training"]["split"]["num_folds"] = 3
    with pytest.raises(InputError, match="num_members=2, num_folds=3"):
        train(recipe, study, tmp_path)


def test_error_bounds_hold_their_share_of_new_errors():
    generator = np.random.default_rng(0)
    held = []
    for _ in range(400):
        low, high = error_bounds(generator.normal(size=99), 0.9)
        held.append(low <= generator.normal() <= high)
    assert 0.86 < np.mean(held) < 0.94


def test_error_bounds_need_enough_errors():
    # Twenty people without one of them: the fewest for an interval of nine in ten.
    assert error_bounds(np.arange(19.0), 0.9) == (0.0, 18.0)
    with pytest.raises(RecipeError, match="needs more cases"):
        error_bounds(np.zeros(18), 0.9)
    with pytest.raises(RecipeError, match="10 errors"):
        error_bounds(np.zeros(10), 0.9)


def test_what_was_measured_of_other_weights_is_removed(tmp_path):
    metrics = tmp_path / "metrics.json"
    metrics.write_text("{}")
    # No model is there: the file is somebody else's.
    _forget(tmp_path, "a")
    assert metrics.exists()
    (tmp_path / "recipe.json").write_text('{"weights": {"sha256": "a"}}')
    _forget(tmp_path, "a")
    assert metrics.exists()
    _forget(tmp_path, "b")
    assert not metrics.exists()
