"""What a recipe may tell a training: all else is a RecipeError when it is read."""

import copy
import inspect
import json
import random
from dataclasses import fields
from pathlib import Path

import keras
import pytest

from medzoo import layers, losses
from medzoo.data.cases.case_sources import Source
from medzoo.data.cases.training_views import View
from medzoo.errors import RecipeError
from medzoo.layers.clip_intensity import WINDOWS as KNOWN_WINDOWS
from medzoo.layers.label_codes import LARGEST_CODE as LARGEST_KNOWN_CODE
from medzoo.layers.volume_layer import VolumeLayer
from medzoo.training.precision import PRECISIONS
from medzoo.training.readout import add_readout
from medzoo.training.settings import BOUNDS, TrainingSettings
from medzoo.zoo.recipe.layer_arguments import LARGEST_CODE, LAYERS, WINDOWS
from medzoo.zoo.recipe.loss_schema import (
    OF_SCAN_CLASSES,
    OF_VALUES,
    OF_VOXEL_CLASSES,
    PARTIAL,
)
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.tasks import TASKS
from medzoo.zoo.recipe.training_options import OPTIONS, SOURCE
from medzoo.zoo.recipe.training_schema import READOUT, SETTINGS, VIEW
from tests.zoo.recipe.mutations import mutants, replaced, use

ZOO = Path(__file__).parents[3] / "zoo_models"
NAMES = sorted(path.parent.name for path in ZOO.glob("*/recipe.json"))
PARTS = (("training",), ("preprocessing", "layers"))
# So many changed recipes of each model are tried in the default suite.
SOME = 80
# `make test-all` tries one change of so many.
MANY = 3


def recipe_of(name):
    return json.loads((ZOO / name / "recipe.json").read_text(encoding="utf-8"))


def parameters_of(function, without=("self", "kwargs", "name", "dtype")):
    given = inspect.signature(function).parameters
    return {name: p for name, p in given.items() if name not in without}


def read(content):
    """The recipe and None, or None and the message of its refusal."""
    try:
        return Recipe.from_dict(content, "recipe.json"), None
    except RecipeError as error:
        return None, str(error)


def check_mutants(name, chosen):
    accepted = 0
    for path, value, content in chosen:
        recipe, error = read(content)
        if error is not None:
            assert "Received: " in error, (path, value)
            assert "recipe.json" in error, (path, value)
            assert error.isprintable(), (path, value)
            continue
        accepted += 1
        try:
            use(recipe.to_dict(), path)
        except Exception as fault:
            raise AssertionError(f"{name}: {path}={value!r}: {fault}") from fault
    assert 0 < accepted < len(chosen) / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_recipe_is_refused_when_read_or_works(name):
    content = recipe_of(name)
    every = [mutant for part in PARTS for mutant in mutants(content, part)]
    check_mutants(name, random.Random(0).sample(every, min(SOME, len(every))))


@pytest.mark.extended
@pytest.mark.parametrize("name", NAMES)
def test_many_changed_recipes_are_refused_when_read_or_work(name):
    content = recipe_of(name)
    every = [mutant for part in PARTS for mutant in mutants(content, part)]
    check_mutants(name, random.Random(1).sample(every, len(every) // MANY))


@pytest.mark.parametrize(
    ("name", "path", "value", "named"),
    [
        ("ixi_age_resnet", ("split", "num_folds"), 1e9, "num_folds"),
        ("ixi_age_resnet", ("split",), {"folds": 5}, "folds"),
        ("ixi_age_resnet", ("split",), {"validation": ["a"]}, "validation"),
        ("ixi_age_resnet", ("readout", "share"), 1.5, "share"),
        ("ixi_age_resnet", ("readout",), {"share": 0.5}, "penalty"),
        ("ixi_age_resnet", ("readout", "penalty"), 0, "penalty"),
        ("ixi_age_resnet", ("balance", "columns"), "source", "columns"),
        ("ixi_age_resnet", ("balance", "exponent"), -0.5, "exponent"),
        ("ixi_age_resnet", ("views", 0, "num_variants"), 10**6, "num_variants"),
        ("ixi_age_resnet", ("views", 3, "strip", "dilate_mm"), -1, "dilate_mm"),
        ("ixi_age_resnet", ("views", 0, "rate"), "often", "rate"),
        ("ixi_age_resnet", ("views",), [{"rate": 0}], "rate above 0"),
        ("ixi_age_resnet", ("options",), {"margin": 2}, "margin"),
        ("ixi_age_resnet", ("loss", "class"), "DiceCrossentropy", "class"),
        ("ixi_age_resnet", ("loss", "class"), "LossFunctionWrapper", "class"),
        ("ixi_age_resnet", ("loss", "arguments", "delta"), "x", "delta"),
        ("ixi_representation_cae", ("options", "closed_form"), 1, "closed_form"),
        ("ixi_representation_cae", ("split", "validation"), "all", "validation"),
        ("ixi_representation_cae", ("split", "validation", 0), "../x", "validation"),
        ("ixi_superres_x4", ("options", "fwhm"), [1.3, 1.0, 0.7], "fwhm"),
        ("ixi_superres_x4", ("options", "mirror_axes"), [3], "mirror_axes"),
        ("ixi_superres_x4", ("options", "solved_batches"), "all", "solved_batches"),
        ("ixi_superres_x4", ("options", "sources", "ixi_hh"), None, "ixi_hh"),
        ("ixi_superres_x4", ("patch_size",), [1024] * 3, "voxels"),
        ("ixi_superres_x4", ("batch_size",), 65_536, "voxels"),
        ("mrbrains_tissue_unet", ("steps_per_epoch",), 10**8, "steps_per_epoch"),
        ("mrbrains_tissue_unet", ("options", "margin"), 10**6, "margin"),
        ("mrbrains_tissue_unet", ("options", "class_weights"), [1], "class_weights"),
        ("mrbrains_tissue_unet", ("options", "channel_rates"), [0] * 3, "channel_r"),
        ("mrbrains_tissue_unet", ("options", "reference_class"), 9, "reference_class"),
        ("mrbrains_tissue_unet", ("options", "colour"), 1, "colour"),
        (
            "mrbrains_tissue_unet",
            ("options", "sources", "silver", "codes"),
            "../../etc/passwd",
            "codes",
        ),
        (
            "mrbrains_tissue_unet",
            ("options", "sources", "manual", "synthesis", "arguments", "num_channels"),
            2,
            "priors must be 2",
        ),
        (
            "mrbrains_tissue_unet",
            ("options", "sources", "manual", "lesions", "class"),
            "RandomFlip3D",
            "class",
        ),
        ("mrbrains_tissue_unet", ("augmentation", 0, "class"), "KnownContrasts", "cl"),
        ("mrbrains_tissue_unet", ("loss", "arguments", "loss"), "Dice", "loss"),
        ("brain_regions_unet", ("loss", "arguments", "unions"), {"5": [1]}, "unions"),
    ],
)
def test_a_wrong_setting_is_refused_when_read(name, path, value, named):
    content = replaced(recipe_of(name), ("training", *path), value)
    with pytest.raises(RecipeError, match=named) as caught:
        Recipe.from_dict(content, "a/recipe.json")
    assert "a/recipe.json" in str(caught.value)
    assert "Received: " in str(caught.value)


def test_a_readout_needs_a_network_that_has_one():
    content = recipe_of("ixi_age_resnet")
    del content["architecture"]["arguments"]["member"]["arguments"]["readout_block"]
    with pytest.raises(RecipeError, match="readout_block"):
        Recipe.from_dict(content)


def test_settings_are_those_of_a_training():
    assert set(SETTINGS) == {field.name for field in fields(TrainingSettings)}
    assert set(VIEW) == {field.name for field in fields(View)}
    assert {"name", *SOURCE} == {field.name for field in fields(Source)}
    needed = {"model", "data", "recipe"}
    assert set(READOUT[0]) == set(parameters_of(add_readout)) - needed
    assert {task.options for task in TASKS.values()} == set(OPTIONS)


@pytest.mark.parametrize("key", sorted(BOUNDS))
def test_bounds_of_settings_are_those_of_a_training(key):
    content = recipe_of("ixi_sex_resnet")
    content["training"]["batch_size"] = 1
    beyond = {"epochs": 0.5, "batch_size": 0.5}
    for value in BOUNDS[key]:
        Recipe.from_dict(replaced(content, ("training", key), value))
    for value in (BOUNDS[key][0] - beyond.get(key, 1e-13), BOUNDS[key][1] * 1.01 + 1):
        with pytest.raises(RecipeError, match=key):
            Recipe.from_dict(replaced(content, ("training", key), value))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_every_precision_is_accepted(dtype):
    content = replaced(recipe_of("ixi_sex_resnet"), ("training", "dtype"), dtype)
    assert Recipe.from_dict(content).training["dtype"] == dtype


def test_layers_are_those_of_medzoo():
    known = {
        name
        for name in layers.__all__
        if issubclass(getattr(layers, name), VolumeLayer)
    }
    # It takes the image alone.
    assert set(LAYERS) == known | {"MarkChannels"}
    assert set(WINDOWS) == set(KNOWN_WINDOWS)
    assert LARGEST_CODE == LARGEST_KNOWN_CODE


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"MarkChannels"}))
def test_arguments_of_a_layer_are_those_of_its_constructor(name):
    parameters = parameters_of(getattr(layers, name).__init__)
    needed, further = LAYERS[name]
    required = {n for n, p in parameters.items() if p.default is p.empty}
    assert set(needed) == required
    assert set(needed) | set(further) == set(parameters)


@pytest.mark.parametrize("known", [OF_VALUES, OF_SCAN_CLASSES, OF_VOXEL_CLASSES])
def test_arguments_of_a_loss_are_those_of_its_constructor(known):
    for name, (needed, further) in known.items():
        loss = getattr(losses, name, None)
        own = loss is not None
        loss = loss or getattr(keras.losses, name)
        parameters = parameters_of(loss.__init__, ("self", "kwargs", "name", "dtype"))
        taken = set(needed) | set(further)
        assert taken <= set(parameters), name
        if own and name != "LabelSetDiceCrossentropy":
            assert taken | {"reduction"} == set(parameters), name
            required = {n for n, p in parameters.items() if p.default is p.empty}
            assert set(needed) == required, name


def test_every_loss_of_medzoo_may_be_named():
    own = {n for n in dir(losses) if isinstance(getattr(losses, n), type)}
    assert own <= {*OF_VOXEL_CLASSES, PARTIAL}


def test_a_model_made_for_other_classes_keeps_a_recipe_that_may_be_read():
    from medzoo.zoo.new_classes import _with_classes

    for name in ("ixi_age_resnet", "brain_regions_unet", "mrbrains_tissue_unet"):
        content = copy.deepcopy(recipe_of(name))
        Recipe.from_dict(_with_classes(content, ["a", "b", "c"]))
