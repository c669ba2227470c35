"""Training that was killed goes on as if it had not been, or says why it cannot."""

import json
import shutil
from dataclasses import replace

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
from tests.training.tissue import few_batches_for_averages

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


@pytest.fixture(autouse=True, scope="module")
def few_batches():
    """Each training here ends with averages; twelve batches resume as 60 do."""
    with few_batches_for_averages():
        yield


def single_recipe():
    recipe = tiny_recipe(epochs=EPOCHS, ema_momentum=0.9)
    for view in recipe["training"]["views"]:
        # Flips are draws enough; a curve is compiled anew for each training.
        view["augmentation"] = view["augmentation"][:1]
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


def encrypted(archive):
    """An archive with the one bit set that means: ask for a password."""
    entry = archive.index(b"PK\x01\x02") + 8
    return archive[:entry] + bytes([archive[entry] | 1]) + archive[entry + 1 :]


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


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "flipped", "no archive", "encrypted"]
)
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
            "encrypted": encrypted(content),
        }[damage]
    )
    with pytest.warns(MedzooWarning, match=path.name):
        facts = load_newest(tmp_path, model, optimizer)
    assert facts == {"epochs_done": 1}
    assert_equal(weights(model), [np.ones((3, 2)), np.ones(2)])
    assert not path.exists()


@pytest.mark.extended
def test_five_kills_at_random_steps_change_no_bit(single, study, tmp_path):
    single["training"].update(validate_every=1)
    draw = np.random.default_rng(0)

    def trained(folder, batches, calls):
        left = [calls]

        def measure(model, writer=None):
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return {"score": float(np.asarray(model.weights[0]).ravel()[0])}

        data = Fragile(dataset(study, single, seed=5), batches)
        return weights(fit(single, data, folder, workers=0, measure=measure))

    straight = trained(tmp_path / "straight", 10**6, 10**6)
    for _ in range(5):
        batches, calls = int(draw.integers(0, 60)), int(draw.integers(0, 2))
        with pytest.raises(KilledError):
            trained(tmp_path / "killed", batches, calls)
    assert_equal(trained(tmp_path / "killed", 10**6, 10**6), straight)


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


def test_all_that_decides_a_training_is_compared(study, recipe, tmp_path):
    def cases_of(**changed):
        cases = read_cases(study, recipe["channels"], target="age")
        columns = {"source": "a", "map": "map.txt", **changed}
        return [replace(c, columns=columns, folder=tmp_path) for c in cases]

    def refused(match, recipe=recipe, cases=None, **options):
        with pytest.raises(InputError, match=match):
            begin_run(tmp_path / "runs", recipe, cases or cases_of(), **options)

    recipe["training"]["options"] = {"sources": {"x": {"codes": "codes.csv"}}}
    (tmp_path / "codes.csv").write_text("1,2")
    (tmp_path / "map.txt").write_text("a label map")
    begin_run(tmp_path / "runs", recipe, cases_of(), tables=tmp_path)
    begin_run(tmp_path / "runs", recipe, cases_of(), tables=tmp_path)
    refused("another column source of case c0", cases=cases_of(source="b"))
    refused("another order of the cases", cases=cases_of()[::-1], tables=tmp_path)
    mirrored = [{"step": "mirror", "arguments": {"axis": 0}}]
    changed = {**recipe, "postprocessing": mirrored}
    refused("another postprocessing", changed, tables=tmp_path)
    (tmp_path / "codes.csv").write_text("1,3")
    refused("another table of codes of source x", tables=tmp_path)
    (tmp_path / "codes.csv").write_text("1,2")
    (tmp_path / "map.txt").write_text("another one")
    refused("another column map of case c0", tables=tmp_path)
    assert "map.txt" not in (tmp_path / "runs" / "run.json").read_text()


@pytest.mark.parametrize("state", ["epoch-00001.npz", "network.weights.h5", "best.npz"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_run_of_nobody_knows_what_is_not_resumed(
    study, recipe, tmp_path, state, damage
):
    cases = read_cases(study, recipe["channels"], target="age")
    runs = tmp_path / "runs"
    begin_run(runs, recipe, cases)
    facts = runs / "run.json"
    facts.write_text({"cut": facts.read_text()[:99]}.get(damage, ""))
    if damage == "missing":
        facts.unlink()
    begin_run(runs, recipe, cases)
    facts.write_text("{")
    (runs / "fold-0").mkdir()
    (runs / "fold-0" / state).write_bytes(b"x")
    with pytest.raises(InputError, match=rf"{state}.*--restart"):
        begin_run(runs, recipe, cases)
    begin_run(runs, recipe, cases, restart=True)
    assert not (runs / "fold-0").exists()


def test_too_few_cases_are_told_before_any_work(study, recipe, tmp_path):
    lines = []
    few = study.with_name("few.csv")
    few.write_text("\n".join(study.read_text().splitlines()[:4]) + "\n")
    with pytest.raises((InputError, RecipeError)):
        train(recipe, few, tmp_path, log=lines.append)
    assert not (tmp_path / "runs").exists()
