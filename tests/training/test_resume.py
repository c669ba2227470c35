"""Training that was killed goes on as if it had not been, or says why it cannot."""

import json
import shutil

import keras
import numpy as np
import pytest

from medzoo.data.feeds.dataset import dataset
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError, MedzooWarning, RecipeError
from medzoo.training.checkpoint import load_newest, save_state
from medzoo.training.fit import fit
from medzoo.training.run_facts import begin_run
from medzoo.training.train import train
from tests.training.conftest import single_network, tiny_recipe

EPOCHS = 3


class KilledError(Exception):
    """Stands for a signal that no process survives."""


class Fragile:
    """A data set whose batches end with an error after so many."""

    def __init__(self, data, batches):
        self._data, self._left = data, batches

    def __len__(self):
        return len(self._data)

    def __getattr__(self, name):
        return getattr(self._data, name)

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._data, name, value)

    def __getitem__(self, number):
        self._left -= 1
        if self._left < 0:
            raise KilledError
        return self._data[number]


def single_recipe():
    recipe = tiny_recipe(epochs=EPOCHS, ema_momentum=0.9)
    # Its averages follow from the draws, and must be the same after a stop.
    return single_network(recipe, normalization="batch")


@pytest.fixture
def single():
    """The recipe of one network whose weights are averaged while it trains."""
    return single_recipe()


@pytest.fixture(scope="module")
def uninterrupted(study, tmp_path_factory):
    """The folder and the weights of a training that nobody stopped."""
    recipe, folder = single_recipe(), tmp_path_factory.mktemp("uninterrupted")
    return folder, weights(fit(recipe, dataset(study, recipe, seed=5), folder))


@pytest.fixture
def straight(uninterrupted, tmp_path):
    """The weights of that training; a copy of its folder is at `straight`."""
    folder, found = uninterrupted
    shutil.copytree(folder, tmp_path / "straight")
    return found


def weights(model):
    return [np.asarray(w) for w in model.weights]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_kills_within_epochs_change_no_bit(single, study, tmp_path, straight):
    kills = 0
    # Before there is a checkpoint, and in the epoch after the first one.
    for left in (1, 5, 10_000):
        data = Fragile(dataset(study, single, seed=5), left)
        try:
            found = fit(single, data, tmp_path / "killed", workers=0)
        except KilledError:
            kills += 1
    assert kills == 2
    assert_equal(weights(found), straight)


def test_a_restart_behind_the_last_epoch_changes_no_bit(
    single, study, tmp_path, straight
):
    found = fit(single, dataset(study, single, seed=5), tmp_path / "straight")
    assert_equal(weights(found), straight)


def test_training_resumes_from_the_checkpoint_before_a_damaged_one(
    single, study, tmp_path, straight
):
    newest = sorted((tmp_path / "straight").glob("epoch-*.npz"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(MedzooWarning, match=newest.name):
        found = fit(single, dataset(study, single, seed=5), tmp_path / "straight")
    assert_equal(weights(found), straight)


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "no archive"])
def test_a_damaged_checkpoint_is_warned_of_and_the_one_before_used(tmp_path, damage):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    for epoch in (1, 2):
        model.set_weights([np.full_like(w, epoch) for w in model.get_weights()])
        path = tmp_path / f"epoch-0000{epoch}.npz"
        save_state(path, model, optimizer, {"epochs_done": epoch})
    content = path.read_bytes()
    middle = content.index(b"model_0.npy") + 160
    flipped = bytes([content[middle] ^ 16])
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "empty": b"",
            "flipped": content[:middle] + flipped + content[middle + 1 :],
            "no archive": b"text\n" * 100,
        }[damage]
    )
    with pytest.warns(MedzooWarning, match=path.name):
        facts = load_newest(tmp_path, model, optimizer)
    assert facts == {"epochs_done": 1}
    assert_equal(weights(model), [np.ones((3, 2)), np.ones(2)])
    assert not path.exists()


def test_a_run_of_other_data_or_recipe_is_refused(study, recipe, tmp_path):
    cases = read_cases(study, recipe["channels"], target="age")
    begin_run(tmp_path / "runs", recipe, cases)
    begin_run(tmp_path / "runs", recipe, cases)
    changed = json.loads(json.dumps(recipe))
    changed["training"]["learning_rate"] = 0.5
    with pytest.raises(InputError, match=r"training\.learning_rate=0\.5.*--restart"):
        begin_run(tmp_path / "runs", changed, cases)
    with pytest.raises(InputError, match="no case c0"):
        begin_run(tmp_path / "runs", recipe, cases[1:])
    older = study.with_name("older.csv")
    lines = study.read_text().splitlines()
    names = lines[0].split(",")
    cells = lines[1].split(",")
    cells[names.index("age")] = "77"
    older.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    others = read_cases(older, recipe["channels"], target="age")
    with pytest.raises(InputError, match="another target of case c0"):
        begin_run(tmp_path / "runs", recipe, others)
    begin_run(tmp_path / "runs", changed, cases, restart=True)
    begin_run(tmp_path / "runs", changed, cases)
    text = (tmp_path / "runs" / "run.json").read_text()
    assert str(study.parent) not in text


def test_too_few_cases_are_told_before_any_work(study, recipe, tmp_path):
    lines = []
    few = study.with_name("few.csv")
    few.write_text("\n".join(study.read_text().splitlines()[:4]) + "\n")
    with pytest.raises((InputError, RecipeError)):
        train(recipe, few, tmp_path, log=lines.append)
    assert not (tmp_path / "runs").exists()
