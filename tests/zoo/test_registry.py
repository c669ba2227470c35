from pathlib import Path

import pytest

from medzoo.errors import FileFormatError, InputError, MissingFileError, RecipeError
from medzoo.zoo.info import LICENCE_NOTE, info
from medzoo.zoo.registry import find, list_models, zoo_folder
from medzoo.zoo.resolve import resolve


@pytest.fixture
def zoo(add_model, tmp_path):
    for name in ("tiny_age", "tiny_sex", "brain_parts", "knee"):
        add_model(name)
    folder = tmp_path / "zoo_models"
    (folder / "no_recipe").mkdir()
    (folder / "Not-A-Name").mkdir()
    (folder / "Not-A-Name" / "recipe.json").write_text("{}")
    return folder


def test_list_is_sorted_and_holds_only_models(zoo):
    assert list_models(zoo) == ["brain_parts", "knee", "tiny_age", "tiny_sex"]


def test_list_of_no_folder_is_empty(tmp_path):
    assert list_models(tmp_path / "none") == []


def test_zoo_folder_is_beside_the_checkout_or_in_the_package():
    assert zoo_folder().name in ("zoo_models", "_zoo_models")


def test_zoo_folder_ignores_the_environment(monkeypatch, tmp_path):
    before = zoo_folder()
    monkeypatch.chdir(tmp_path)
    for name in ("MEDZOO_ZOO", "MEDZOO_HOME", "MEDZOO_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))

    assert zoo_folder() == before


def test_find_by_name_and_version(zoo):
    assert find("tiny_age", folder=zoo) == zoo / "tiny_age"
    assert find("tiny_age", version="1.2", folder=zoo) == zoo / "tiny_age"
    with pytest.raises(InputError, match=r"Use tiny_age@1\.2"):
        find("tiny_age", version="9", folder=zoo)


def test_unknown_name_offers_the_three_nearest(zoo):
    with pytest.raises(InputError) as caught:
        find("tiny_agee", folder=zoo)

    offered = str(caught.value).split("Nearest names: ")[1].rstrip(".").split(", ")
    assert len(offered) == 3
    assert offered[0] == "tiny_age"


def test_unlike_name_offers_what_exists(add_model, tmp_path):
    add_model("tiny_age")
    zoo = tmp_path / "zoo_models"
    with pytest.raises(InputError, match=r"Nearest names: tiny_age\."):
        find("qqqq", folder=zoo)
    with pytest.raises(InputError, match="holds no models"):
        find("qqqq", folder=tmp_path / "none")


@pytest.mark.parametrize(
    "name",
    ["../tiny_age", "tiny_age/", "/etc", "TINY_AGE", "", ".", "a" * 65, "x\n", None, 3],
    ids=repr,
)
def test_names_that_are_no_names_are_refused(zoo, name):
    with pytest.raises(InputError, match="must match") as caught:
        find(name, folder=zoo / "knee" / "..")
    assert "tiny_age" in str(caught.value)


def test_folder_must_carry_the_models_name(zoo):
    (zoo / "knee").rename(zoo / "elbow")
    with pytest.raises(RecipeError, match="must carry its name"):
        find("elbow", folder=zoo)


def test_broken_recipe_is_reported(zoo):
    (zoo / "knee" / "recipe.json").write_text("{")
    with pytest.raises(RecipeError, match="valid JSON"):
        find("knee", folder=zoo)


def test_resolve_takes_names_versions_and_paths(zoo):
    assert resolve("knee", zoo) == zoo / "knee"
    assert resolve("knee@1.2", zoo) == zoo / "knee"
    assert resolve(zoo / "knee", zoo) == zoo / "knee"
    assert resolve(f"{zoo}/knee", zoo) == zoo / "knee"


def test_resolve_refuses_what_is_not_there(zoo, tmp_path):
    with pytest.raises(InputError, match="version='2'"):
        resolve("knee@2", zoo)
    with pytest.raises(MissingFileError, match="Nearest names: knee"):
        resolve(str(tmp_path / "knee"), zoo)
    with pytest.raises(MissingFileError, match=r"recipe\.json"):
        resolve(tmp_path, zoo)


def test_a_name_is_no_path_even_when_a_folder_is_called_so(zoo, monkeypatch):
    monkeypatch.chdir(zoo / "no_recipe")
    Path("local").mkdir()

    with pytest.raises(InputError, match="No model has this name"):
        resolve("local", zoo)


def test_info_joins_recipe_and_metrics(add_model, metrics, content):
    facts = info(add_model(measured=metrics))

    assert {key: facts[key] for key in content} == content
    assert facts["metrics"]["mae"]["value"] == 4.02
    assert facts["protocol"].startswith("5-fold")
    assert facts["parameters"] == 1234567
    assert facts["licence_note"] == LICENCE_NOTE
    assert "code only" in LICENCE_NOTE


def test_info_of_a_model_that_was_not_measured(add_model):
    facts = info("tiny_age", folder=add_model().parent)

    assert facts["metrics"] == {}
    assert facts["parameters"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.1"},
        {"model": "other"},
        {"metrics": {"mae": 4.0}},
        {"metrics": {"mae": {"value": "4"}}},
        {"metrics": {"mae": {"value": float("nan")}}},
        {"metrics": {"mae": {"value": 4, "ci95": [5, 3]}}},
        {"metrics": {"mae": {"value": 4, "n": 1.5}}},
        {"baselines": {"mean": {"mae": {}}}},
        {"groups": []},
        {"external": [{"metrics": {}}]},
        {"parameters": -1},
        {"cost": {"seconds": None}},
    ],
    ids=repr,
)
def test_info_refuses_numbers_that_are_not_of_this_model(add_model, metrics, change):
    with pytest.raises(FileFormatError, match=r"metrics\.json"):
        info(add_model(measured={**metrics, **change}))
