"""From a fitted model to a hub and back: save_recipe, publish, load by address."""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest
import yaml

import medzoo
from medzoo import errors
from medzoo.cli.main import main
from medzoo.models.from_recipe import build_model
from medzoo.zoo.golden import golden_outputs, read_expected
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve
from tests.zoo.conftest import EXAMPLE, METRICS

TARGET = "hf://lab/tiny"


@pytest.fixture(scope="module")
def model_and_recipe():
    """A network of a recipe, fitted for a step, so that its averages moved."""
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    model = build_model(recipe, filters=(2, 4), strides=((1, 1, 1), (2, 2, 2)))
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 8, 1)).astype("float32")
    model.fit(x, np.arange(4.0)[:, None], verbose=0)
    return model, recipe, x


@pytest.fixture(scope="module")
def saved(model_and_recipe, tmp_path_factory):
    """A model folder, measured: what one publishes."""
    folder = medzoo.save_recipe(
        model_and_recipe[0],
        tmp_path_factory.mktemp("saved"),
        name="tiny_fit",
        version="2.0",
    )
    measured = {**METRICS, "model": "tiny_fit", "version": "2.0"}
    (folder / "metrics.json").write_text(json.dumps(measured), encoding="utf-8")
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of it, that may be harmed."""
    return shutil.copytree(saved, tmp_path / "mine")


def test_save_recipe_gives_a_folder_that_loads_bit_equal(model_and_recipe, folder):
    model, old, x = model_and_recipe
    recipe = read_recipe(folder)
    loaded = medzoo.load(folder)

    assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert golden_outputs(loaded) == read_expected(folder).tolist()
    assert recipe.architecture["arguments"]["filters"] == [2, 4]
    base = {"name": "tiny_age", "version": "1.2", "sha256": "0" * 64}
    assert recipe.base_model == base
    assert recipe.licence == old["licence"]
    assert recipe.data[0]["role"].startswith("base model tiny_age: ")
    # It was calibrated on other weights.
    assert recipe.postprocessing == []


def test_save_recipe_says_what_it_is_told(model_and_recipe, tmp_path):
    own = {"name": "Ours", "cases": 7, "licence": "CC0-1.0", "role": "training"}
    told = {
        "summary": "Knees",
        "licence": "CC0-1.0",
        "citation": "Us.",
        "intended_use": "Knees only.",
        "limits": ["No ankles."],
        "data": [own],
    }
    (tmp_path / "metrics.json").write_text("of other weights")
    medzoo.save_recipe(
        model_and_recipe[0], tmp_path, name="knee", fine_tuned=False, **told
    )
    recipe = read_recipe(tmp_path)

    assert {key: getattr(recipe, key) for key in told} == told
    assert recipe.base_model is None
    assert not (tmp_path / "metrics.json").exists()


def test_save_recipe_of_a_new_head(folder, tmp_path):
    model = medzoo.load(folder, num_classes=3, class_names=["a", "b", "c"])
    medzoo.save_recipe(model, tmp_path / "new", name="tiny_kinds")
    again = medzoo.load(tmp_path / "new")

    assert again.output_shape == (None, 3)
    assert again.recipe["class_names"] == ["a", "b", "c"]


def test_save_recipe_halves_the_file_on_demand(model_and_recipe, tmp_path):
    model, _, x = model_and_recipe
    medzoo.save_recipe(model, tmp_path, name="half", dtype="float16")
    loaded = medzoo.load(tmp_path)

    np.testing.assert_allclose(
        loaded.predict_on_batch(x), model.predict_on_batch(x), rtol=1e-2, atol=1e-2
    )
    assert golden_outputs(loaded) == read_expected(tmp_path).tolist()


def test_save_recipe_refuses(model_and_recipe, tmp_path):
    model, _, _ = model_and_recipe
    bare = keras.Model(model.inputs, model.outputs)
    with pytest.raises(errors.RecipeError, match=r"medzoo\.attach"):
        medzoo.save_recipe(bare, tmp_path / "x", name="x")
    with pytest.raises(errors.InputError, match="of its own"):
        medzoo.save_recipe(model, tmp_path / "x", name="tiny_age", version="1.2")
    for change in ({"name": "../x"}, {"name": "x", "licence": "?"}):
        with pytest.raises(errors.RecipeError):
            medzoo.save_recipe(model, tmp_path / "x", **change)
    assert not (tmp_path / "x").exists()


def test_publish_wipe_and_load_by_address(hub, cache, folder, model_and_recipe):
    model, _, x = model_and_recipe
    done = medzoo.publish(folder, TARGET)

    assert done.is_new
    assert set(hub.files("lab/tiny")) == {
        "README.md",
        "expected.json",
        "metrics.json",
        "model.weights.h5",
        "recipe.json",
    }
    shutil.rmtree(cache, ignore_errors=True)
    for source in (TARGET, done.source):
        loaded = medzoo.load(source)
        assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    hub.requests.clear()
    loaded = medzoo.load(TARGET)
    assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert medzoo.info(TARGET)["name"] == "tiny_fit"
    assert hub.requests == []


def test_a_second_run_changes_nothing(hub, folder):
    first = medzoo.publish(folder, TARGET)
    second = medzoo.publish(folder, TARGET)

    assert (first.is_new, second.is_new) == (True, False)
    assert first.source == second.source
    assert len(hub.repositories["lab/tiny"].commits) == 1


def test_the_card_of_the_hub(hub, folder):
    medzoo.publish(folder, TARGET)
    text = hub.files("lab/tiny")["README.md"].decode()
    block = yaml.safe_load(text.split("---\n")[1])

    assert block["library_name"] == "keras"
    assert block["license"] == "cc-by-sa-3.0"
    assert block["base_model"] == "tiny_age"
    assert {"medzoo", "regression", "t1"} <= set(block["tags"])
    assert block["metrics"] == ["mae", "r"]
    index = block["model-index"][0]
    assert index["name"] == "tiny_fit"
    measured = {m["type"]: m for r in index["results"] for m in r["metrics"]}
    assert measured["mae"]["value"] == 4.02
    assert measured["mae"]["name"] == "mae (years) [3.5, 4.6]"
    assert f'medzoo.load("{TARGET}")' in text
    assert "No scans with contrast agent" in text


def test_a_dry_run_sends_nothing(hub, folder, capsys):
    assert main(["publish", str(folder), TARGET, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "model.weights.h5" in out
    assert "README.md" in out
    assert (hub.requests, hub.repositories) == ([], {})


def test_the_command(hub, folder, capsys):
    assert main(["publish", str(folder), TARGET, "--private"]) == 0
    source = capsys.readouterr().out.strip()
    assert source.startswith(f"{TARGET}@")
    assert hub.repositories["lab/tiny"].private
    assert main(["publish", str(folder), TARGET]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == source
    assert "nothing changed" in shown.err


def test_a_published_version_keeps_its_weights(hub, folder, model_and_recipe):
    medzoo.publish(folder, TARGET)
    model = keras.models.clone_model(model_and_recipe[0])
    numbers = (folder / "metrics.json").read_text()
    again = medzoo.attach(model, {**model_and_recipe[1], **architecture(folder)})
    medzoo.save_recipe(again, folder, name="tiny_fit", version="2.0")
    (folder / "metrics.json").write_text(numbers)

    with pytest.raises(errors.InputError, match="Raise the version"):
        medzoo.publish(folder, TARGET)
    assert len(hub.repositories["lab/tiny"].commits) == 1


def architecture(folder):
    return {"architecture": read_recipe(folder).architecture}


def test_to_a_folder(folder, tmp_path, model_and_recipe, hub):
    model, _, x = model_and_recipe
    target = tmp_path / "share" / "tiny_fit"

    assert medzoo.publish(folder, target).is_new
    assert not medzoo.publish(folder, target).is_new
    loaded = medzoo.load(target)
    assert np.array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert (target / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert hub.requests == []
    with pytest.raises(errors.InputError, match="another place"):
        medzoo.publish(folder, folder)
    with pytest.raises(errors.InputError, match="a file"):
        medzoo.publish(folder, folder / "recipe.json")


def without_metrics(folder):
    (folder / "metrics.json").unlink()


def empty_metrics(folder):
    path = folder / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": {}}))


def metrics_of_another(folder):
    path = folder / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "1.0"}))


def change_recipe(**changes):
    def change(folder):
        path = folder / "recipe.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def flip_weights(folder):
    path = folder / "model.weights.h5"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def foreign_weights(folder):
    """Weights with a link, of which the recipe tells the truth."""
    from medzoo.files import sha256_of

    path = folder / "model.weights.h5"
    with h5py.File(path, "a") as file:
        file["link"] = h5py.ExternalLink("/etc/hostname", "/")
    facts = {"file": path.name, "sha256": sha256_of(path), "urls": []}
    change_recipe(weights={**facts, "bytes": path.stat().st_size})(folder)


def symlink(folder):
    path = folder / "expected.json"
    path.unlink()
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (without_metrics, errors.MissingFileError),
        (empty_metrics, errors.InputError),
        (metrics_of_another, errors.FileFormatError),
        (change_recipe(licence=""), errors.RecipeError),
        (change_recipe(intended_use=" "), errors.RecipeError),
        (change_recipe(limits=[]), errors.RecipeError),
        (change_recipe(weights=None), errors.IntegrityError),
        (change_recipe(extra=1), errors.RecipeError),
        (flip_weights, errors.IntegrityError),
        (foreign_weights, errors.IntegrityError),
        (symlink, errors.MissingFileError),
    ],
)
def test_publish_refuses_before_anything_is_sent(hub, folder, harm, error):
    harm(folder)
    with pytest.raises(error, match="Received"):
        medzoo.publish(folder, TARGET)
    assert hub.requests == []


@pytest.mark.parametrize("target", ["hf://lab", "hf://lab/tiny@main", "hf://../x"])
def test_publish_refuses_addresses_that_are_none(hub, folder, target):
    with pytest.raises(errors.InputError):
        medzoo.publish(folder, target)
    assert hub.requests == []


def test_publish_without_a_token_or_network(hub, folder, monkeypatch):
    hub.token = "hf_secret"
    with pytest.raises(errors.InputError, match="hf auth login"):
        medzoo.publish(folder, TARGET)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert medzoo.publish(folder, TARGET).is_new
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineError, match="HF_HUB_OFFLINE"):
        medzoo.publish(folder, TARGET)


def test_what_was_published_is_scanned_when_loaded(hub, folder):
    medzoo.publish(folder, TARGET)
    foreign_weights(folder)
    names = ("recipe.json", "model.weights.h5")
    hub.put("lab/tiny", {name: (folder / name).read_bytes() for name in names})

    with pytest.raises(errors.IntegrityError, match="ExternalLink"):
        medzoo.load(TARGET)
    assert resolve(TARGET).is_dir()
