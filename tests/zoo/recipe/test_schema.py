import copy
import json
import os
import pickle
from dataclasses import FrozenInstanceError

import pytest

from medzoo.errors import MissingFileError, RecipeError
from medzoo.zoo.recipe.schema import ALLOWED_ARCHITECTURES, Recipe, read_recipe


def changed(content, path, value):
    """Gives a copy of the recipe in which the value at a path is another one."""
    result = copy.deepcopy(content)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def test_round_trip(content):
    recipe = Recipe.from_dict(content)

    assert recipe.name == "tiny_age"
    assert recipe.architecture["arguments"]["input_shape"] == [8, 8, 8, 1]
    assert recipe.class_names is None
    assert recipe.to_dict() == content
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_recipe_is_frozen_and_shares_nothing(content):
    recipe = Recipe.from_dict(content)
    content["architecture"]["arguments"]["num_classes"] = 7
    recipe.to_dict()["limits"].append("x")

    assert recipe.architecture["arguments"]["num_classes"] == 1
    assert len(recipe.limits) == 2
    with pytest.raises(FrozenInstanceError):
        recipe.name = "other"


def test_wrapped_containers_become_plain(content):
    class TrackedDict(dict):
        pass

    class TrackedList(list):
        pass

    content["architecture"] = TrackedDict(content["architecture"])
    content["limits"] = TrackedList(content["limits"])
    recipe = Recipe.from_dict(content)

    assert type(recipe.architecture) is dict
    assert type(recipe.limits) is list


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ((), "schema, name, version"),
        (("architecture",), "class, arguments"),
        (("training",), "epochs, batch_size"),
        (("training", "split"), "num_folds, seed"),
        (("channels", 0), "name, required"),
        (("target",), "column, values, label_map, codes"),
        (("preprocessing",), "spatial, layers"),
        (("preprocessing", "spatial", 0), "step, arguments"),
        (("preprocessing", "layers", 0), "class, arguments"),
        (("postprocessing", 0), "step, arguments"),
        (("weights",), "file, sha256, bytes, urls"),
        (("data", 0), "name, cases, licence, role, url"),
    ],
    ids=str,
)
def test_unknown_key_is_refused_anywhere(content, path, allowed):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(changed(content, (*path, "colour"), 1), source="a/recipe.json")

    assert "'colour'" in str(caught.value)
    assert allowed in str(caught.value)
    assert "a/recipe.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_keys_are_named(content):
    for key in content:
        if key == "unit":
            continue
        part = {name: value for name, value in content.items() if name != key}
        with pytest.raises(RecipeError, match=f"no '{key}'"):
            Recipe.from_dict(part)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("schema",), True),
        (("name",), "Tiny"),
        (("name",), "../tiny"),
        (("name",), "a" * 65),
        (("name",), "tiny\n"),
        (("name",), ""),
        (("version",), 1.0),
        (("version",), "1.0-beta"),
        (("summary",), "two\nlines"),
        (("summary",), "\x1b[31mred"),
        (("summary",), "\ud800"),
        (("task",), "astrology"),
        (("task",), ["regression"]),
        (("architecture",), "ResNet3D"),
        (("architecture", "class"), "Lambda"),
        (("architecture", "class"), "resnet3d"),
        (("architecture", "class"), ["ResNet3D"]),
        (("architecture", "arguments"), [8]),
        (("architecture", "arguments", "num_classes"), 1_000_001),
        (("architecture", "arguments", "num_classes"), -1e7),
        (("architecture", "arguments", "num_classes"), float("nan")),
        (("architecture", "arguments", "num_classes"), float("inf")),
        (("architecture", "arguments", "input_shape"), [8, [{"x": 10**400}]]),
        (("architecture", "arguments", "num classes"), 1),
        (("architecture", "arguments", "num_classes"), (1, 2)),
        pytest.param(
            ("architecture", "arguments", "num_classes"), object(), id="object"
        ),
        (("channels",), []),
        (("channels",), {"name": "t1", "required": True}),
        (("channels", 0, "required"), 1),
        (("channels", 0, "name"), "T1"),
        (("target",), None),
        (("target", "column"), ""),
        (("target", "codes"), "../codes.csv"),
        (("target", "label_map"), "yes"),
        (("target", "values"), {"F": 1}),
        (("preprocessing", "layers", 0, "class"), "os.system"),
        (("preprocessing", "spatial", 0, "arguments"), None),
        (("unit",), None),
        (("unit",), 5),
        (("class_names",), ["a", "b"]),
        (("weights",), {}),
        (("weights", "file"), "../model.weights.h5"),
        (("weights", "file"), "model.keras"),
        (("weights", "file"), "/etc/model.weights.h5"),
        (("weights", "sha256"), "0" * 63),
        (("weights", "sha256"), "A" * 64),
        (("weights", "bytes"), 0),
        (("weights", "bytes"), 12.0),
        (("weights", "bytes"), True),
        (("weights", "bytes"), 2**40),
        (("weights", "urls"), "https://example.org/x"),
        (("weights", "urls"), ["http://example.org/x"]),
        (("weights", "urls"), ["file:///etc/passwd"]),
        (("training",), []),
        (("training", "rate"), float("-inf")),
        (("data", 0, "cases"), -1),
        (("data", 0, "url"), "javascript:alert(1)"),
        (("licence",), ""),
        (("licence",), "CC <b>"),
        (("citation",), None),
        (("limits",), []),
        (("limits",), [1]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_value_is_refused(content, path, value):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(changed(content, path, value))

    assert "Received:" in str(caught.value)
    assert str(caught.value).isprintable()


def test_refusal_of_architecture_names_the_allowed_ones(content):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(changed(content, ("architecture", "class"), "Lambda"))

    assert all(name in str(caught.value) for name in ALLOWED_ARCHITECTURES)


def test_channels_and_classes_must_differ(content):
    twice = changed(content, ("channels",), content["channels"] * 2)
    with pytest.raises(RecipeError, match="channels must differ"):
        Recipe.from_dict(twice)

    del content["unit"]
    content |= {"task": "classification", "class_names": ["female", "female"]}
    with pytest.raises(RecipeError, match="class_names must differ"):
        Recipe.from_dict(content)


def test_classification_needs_classes_that_its_target_uses(content):
    unit = content.pop("unit")
    content["task"] = "classification"
    with pytest.raises(RecipeError, match="class_names is needed"):
        Recipe.from_dict(content)

    content["class_names"] = ["female", "male"]
    content["target"] = {"column": "sex", "values": {"F": "female", "M": "male"}}
    assert Recipe.from_dict(content).class_names == ["female", "male"]
    with pytest.raises(RecipeError, match="unit has no meaning"):
        Recipe.from_dict({**content, "unit": unit})
    content["target"]["values"]["M"] = "man"
    with pytest.raises(RecipeError, match=r"target\.values\.M"):
        Recipe.from_dict(content)


@pytest.mark.parametrize("task", ["reconstruction", "super_resolution"])
def test_image_tasks_need_no_target(content, task):
    del content["unit"]
    content |= {"task": task, "target": None}

    assert Recipe.from_dict(content).target is None


def test_weights_may_be_absent_in_development(content):
    assert Recipe.from_dict({**content, "weights": None}).weights is None


def test_read_recipe_reads_the_file(add_model, content):
    assert read_recipe(add_model()).to_dict() == content


def test_read_recipe_without_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"recipe\.json"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"schema": 1, "schema": 1}', "'schema' occurs twice"),
        (b'{"training": {"a": 1, "a": 2}}', "'a' occurs twice"),
        (b'{"schema": NaN}', "NaN is not a number"),
        (b'{"schema": -Infinity}', "-Infinity is not a number"),
        (b'{"schema": 1e999}', "finite"),
        (b'{"schema": ' + b"1" * 5000 + b"}", "valid JSON"),
        (b"[1]", "type=list"),
        (b'{"schema": 1', "valid JSON"),
        (b"", "valid JSON"),
        (b'{"name": "\xff"}', "valid JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "valid JSON"),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", "nests at most"),
        (b'{"a": "' + b"x" * 1_000_000 + b'"}', "at most 1000000 bytes"),
    ],
    ids=range(13),
)
def test_bad_file_is_refused(tmp_path, text, named):
    (tmp_path / "recipe.json").write_bytes(text)

    with pytest.raises(RecipeError, match=named) as caught:
        read_recipe(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_message_survives_a_long_value(content):
    content["name"] = "x" * 100_000
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(content)

    assert len(str(caught.value)) < 300


def test_recipe_is_plain_json(content):
    assert json.loads(json.dumps(Recipe.from_dict(content).to_dict())) == content


def test_a_pipe_is_no_recipe(tmp_path):
    os.mkfifo(tmp_path / "recipe.json")
    with pytest.raises(RecipeError, match="no file"):
        read_recipe(tmp_path)
