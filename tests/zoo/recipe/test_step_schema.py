"""What a recipe may tell steps and networks: all else is a RecipeError when read."""

import copy
import inspect
import json
from pathlib import Path

import keras
import pytest

from medzoo.errors import RecipeError
from medzoo.models.from_recipe import build_model
from medzoo.preprocess import make_layer
from medzoo.spatial import chain
from medzoo.training.settings import TrainingSettings, loss_from_settings
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.step_schema import ACTIVATIONS, POSTPROCESSING, SPATIAL

EXAMPLE = json.loads(
    (Path(__file__).parents[1] / "example_recipe.json").read_text(encoding="utf-8")
)
DANGEROUS = {"class_name": "Lambda", "config": {"function": "x"}, "module": "keras"}


SIDES = {"white_matter": [1], "cortex": [2]}
FAMILIARITY = {"usual": 1.0, "growth": 1.0, "limit": 2.0, "coarsest_mm": 2.5}


def with_step(kind, name, arguments):
    content = copy.deepcopy(EXAMPLE)
    steps = [{"step": name, "arguments": arguments}]
    if kind == "spatial":
        content["preprocessing"]["spatial"] = steps
    else:
        content["postprocessing"] = steps
    return content


def test_spatial_steps_are_those_of_the_chain():
    assert set(SPATIAL) == set(chain._STEPS)
    for name, (needed, further) in SPATIAL.items():
        parameters = dict(
            list(inspect.signature(chain._STEPS[name]).parameters.items())[1:]
        )
        if name == "correct_bias":
            parameters = dict(
                list(inspect.signature(chain.correct_bias_field).parameters.items())[1:]
            )
        required = {n for n, p in parameters.items() if p.default is p.empty}
        assert set(needed) == required, name
        assert set(needed) | set(further) == set(parameters), name


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        ("spatial", "orient", {"orientation": "RRR"}),
        ("spatial", "orient", {"orientation": 3}),
        ("spatial", "orient", {}),
        ("spatial", "resample", {"spacing": "1"}),
        ("spatial", "resample", {"spacing": 0}),
        ("spatial", "resample", {"spacing": 1e-5}),
        ("spatial", "resample", {"spacing": [1, 1]}),
        ("spatial", "resample", {"spacing": 1, "colour": 2}),
        ("spatial", "resample", {"spacing": 1, "finer": -0.1}),
        ("spatial", "crop_pad", {"size": [8, 8]}),
        ("spatial", "crop_pad", {"size": [8, 8, 100000]}),
        ("spatial", "crop_pad", {"size": 8}),
        ("spatial", "mask", {"atlas": "../x", "probability": 0.1}),
        ("spatial", "mask", {"atlas": "ixi_t1_4mm", "probability": [0.1]}),
        ("spatial", "correct_bias", {"shrink": 0}),
        ("spatial", "shell", {"command": "id"}),
        ("spatial", "n4", {"spacing": 0}),
        ("spatial", "denoise", {"method": "median"}),
        ("spatial", "register", {"atlas": "mni152", "transform": "elastic"}),
        ("spatial", "register", {"atlas": "mni152", "spacing": 0.01}),
        (
            "spatial",
            "limit_contrast",
            {"atlas": "a", "probability": 0.5, "lowest": 0.9, "highest": 0.5},
        ),
        ("post", "mirorr", {"axis": 0}),
        ("post", "mirror", {"axis": 3}),
        ("post", "mirror", {}),
        ("post", "interval", {"coverage": 0.9, "lower": 5, "upper": -5}),
        ("post", "interval", {"coverage": 0.9, "lower": "a", "upper": 5}),
        ("post", "sliding_window", {"window_size": [8, 8, 8], "overlap": 1.0}),
        ("post", "spread", {"scale": None}),
        ("post", "sliding_window", {"weighting": "hamming"}),
        ("post", "sliding_window", {"fit": 1}),
        ("post", "sliding_window", {"whole": "box"}),
        ("post", "sides", {"codes": [[0], [1, 2, 3]], **SIDES}),
        ("post", "sides", {"codes": [[0], ["a"]], **SIDES}),
        ("post", "sides", {"codes": [[0], [1]]}),
        ("post", "centiles", {"reference": "muse", "corrections": {"brain": 0}}),
        ("post", "centiles", {"reference": "muse", "corrections": [1]}),
        ("post", "groups", {"deep": ["thalamus"]}),
        ("post", "familiarity", {**FAMILIARITY, "growth": -1}),
        ("post", "familiarity", {"usual": 1}),
    ],
)
def test_wrong_arguments_of_steps_are_refused_when_read(kind, name, arguments):
    with pytest.raises(RecipeError, match="Received: "):
        Recipe.from_dict(with_step(kind, name, arguments))


def test_a_mirror_that_no_mean_would_be_taken_of_is_refused():
    content = with_step("post", "mirror", {"axis": 0})
    content["postprocessing"].append(
        {"step": "sliding_window", "arguments": {"weighting": "nearest"}}
    )
    with pytest.raises(RecipeError, match="nearest beside the step mirror"):
        Recipe.from_dict(content)


@pytest.mark.parametrize(
    "name", sorted(set(POSTPROCESSING) - {"groups", "familiarity"})
)
def test_no_step_takes_what_it_does_not_know(name):
    with pytest.raises(RecipeError):
        Recipe.from_dict(with_step("post", name, {"colour": 1}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation", DANGEROUS),
        ("activation", "os.system"),
        ("activation", ["relu", DANGEROUS]),
        ("kernel_initializer", DANGEROUS),
        ("kernel_initializer", "mine"),
        ("kernel_regularizer", DANGEROUS),
        ("anything", {"deep": [DANGEROUS]}),
        ("filters", [10_000, 8]),
        ("filters", [8] * 40),
        ("filters", "many"),
        ("num_units", 1e5),
        ("input_shape", [100_000, 8, 8, 1]),
        ("input_shape", [-1, 8, 8, 1]),
        ("input_shape", [8, 8, 1]),
        ("input_shape", None),
        ("num_classes", -1),
        ("num_classes", [2]),
        ("num_classes", True),
        ("dropout_rate", "much"),
        ("dropout_rate", 1),
        ("dropout_rate", {}),
        ("use_bias", 1),
        ("strides", 2),
    ],
)
def test_networks_take_names_and_bounded_sizes(key, value):
    content = copy.deepcopy(EXAMPLE)
    content["architecture"]["arguments"][key] = value
    with pytest.raises(RecipeError):
        Recipe.from_dict(content)
    member = {"class": "ResNet3D", "arguments": content["architecture"]["arguments"]}
    content["architecture"] = {
        "class": "Ensemble3D",
        "arguments": {"num_members": 2, "member": member},
    }
    with pytest.raises(RecipeError):
        Recipe.from_dict(content)


def test_a_step_of_postprocessing_stands_once():
    content = with_step("post", "mirror", {"axis": 0})
    content["postprocessing"] += [{"step": "mirror", "arguments": {"axis": 1}}]
    with pytest.raises(RecipeError, match="must stand once"):
        Recipe.from_dict(content)


def test_the_number_of_steps_is_bounded():
    content = with_step("spatial", "correct_bias", {})
    content["preprocessing"]["spatial"] *= 500
    with pytest.raises(RecipeError, match="at most"):
        Recipe.from_dict(content)


@pytest.mark.parametrize(
    ("task", "names", "outputs"),
    [
        ("classification", ["female", "male"], 3),
        ("classification", ["female", "male", "unknown"], 2),
        ("regression", None, 2),
    ],
)
def test_a_network_has_an_output_for_each_class(task, names, outputs):
    content = copy.deepcopy(EXAMPLE)
    content["architecture"]["arguments"]["num_classes"] = outputs
    content |= {"task": task, "class_names": names, "weights": None}
    with pytest.raises(RecipeError, match=f"Received: {outputs} outputs"):
        build_model(content)


@pytest.mark.parametrize(
    "arguments",
    [{"filters": []}, {"strides": [[0, 0, 0], [2, 2, 2]]}, {"strides": [[1, 1, 1]]}],
    ids=str,
)
def test_what_a_network_refuses_is_told_as_a_fault_of_the_recipe(arguments):
    content = copy.deepcopy(EXAMPLE)
    content["architecture"]["arguments"] |= arguments
    with pytest.raises(RecipeError, match="arguments of a network"):
        build_model({**content, "weights": None})


@pytest.mark.parametrize("place", ["layers", "training"])
def test_no_object_of_keras_is_described_elsewhere(place):
    content = copy.deepcopy(EXAMPLE)
    if place == "layers":
        layer = {"class": "ZScore", "arguments": {"region": DANGEROUS}}
        content["preprocessing"]["layers"] = [layer]
    else:
        content["training"]["loss"] = {"class": "Huber", "arguments": {"x": DANGEROUS}}
    with pytest.raises(RecipeError, match="object of Keras"):
        Recipe.from_dict(content)


def test_every_activation_is_one_of_keras():
    for name in ACTIVATIONS:
        assert callable(keras.activations.get(name))


@pytest.mark.parametrize(
    "change",
    [
        {"colour": 1},
        {"filters": [8], "strides": [[1, 1, 1], [2, 2, 2]]},
        {"normalization": "magic"},
        {"num_units": None},
        {"input_shape": [8, 8]},
        {"dropout_rate": "much"},
    ],
)
def test_a_network_that_cannot_be_built_is_one_error_of_ours(change):
    content = copy.deepcopy(EXAMPLE)
    content["architecture"]["arguments"].update(change)
    with pytest.raises(ValueError, match="Received"):
        build_model(content)


@pytest.mark.parametrize(
    "settings",
    [
        {"class": "ZScore", "arguments": {"colour": 1}},
        {"class": "ZScore", "arguments": {"region": {}}},
        {"class": "LocalHistogram", "arguments": {"levels": None, "block": "x"}},
        {"class": "Lambda", "arguments": {}},
    ],
)
def test_layers_of_strange_arguments_are_recipe_errors(settings):
    with pytest.raises(RecipeError):
        make_layer(settings)


def test_losses_and_settings_of_strange_kinds_are_recipe_errors():
    with pytest.raises(RecipeError):
        loss_from_settings({"class": "Huber", "arguments": {"colour": 1}})
    for key, value in {
        "epochs": "many",
        "seed": 1.5,
        "learning_rate": "fast",
        "views": {},
        "split": [],
        "rematerialize": 1,
        "warmup_epochs": True,
    }.items():
        recipe = {"name": "x", "task": "regression", "training": {key: value}}
        with pytest.raises(RecipeError, match=key):
            TrainingSettings.from_recipe(recipe)


@pytest.mark.parametrize(
    "settings",
    [3, None, "ZScore", [], {}, {"class": 3}, {"class": "X", "arguments": 1}],
)
def test_a_layer_or_loss_that_is_no_object_with_a_class_is_refused(settings):
    for make in (make_layer, loss_from_settings):
        with pytest.raises(RecipeError, match="must be an object"):
            make(settings)


@pytest.mark.parametrize(
    "arguments",
    [{"scale": [None]}, {"offset": {}}, {"block": 1.5}, {"block": "x"}],
)
def test_arguments_of_a_layer_are_checked_before_it_is_called(arguments):
    settings = {"class": "LocalHistogram", "arguments": {"levels": [0, 1], **arguments}}
    with pytest.raises(RecipeError, match="arguments of a layer"):
        make_layer(settings)
