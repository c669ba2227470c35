"""Loading: from a name to a Keras model with verified weights and its recipe."""

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.errors import InputError, IntegrityError, MedzooWarning, RecipeError
from medzoo.zoo.checked_model import CheckedModel, check_model
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.resolve import resolve_recipe

if TYPE_CHECKING:
    from medzoo.models.base import VolumeModel


def load(
    source: str | Path,
    *,
    revision: str | None = None,
    weights: bool = True,
    freeze_normalization: bool = True,
    **overrides: Any,
) -> "VolumeModel":
    """Loads a model of the zoo as a Keras model.

    Args:
        source: str or path: a name, `name@version`, a model folder, or
            `hf://org/repo[@revision]`; what is not bundled is fetched once. Or a
            `medzoo.zoo.checked_model.CheckedModel`.
        revision: str or None, a revision on a hub; names and folders have none.
        weights: bool, False for fresh weights.
        freeze_normalization: bool, whether trained batch normalisation keeps its
            averages, scale and offset in `fit`: a few cases would spoil them. False
            for hundreds of cases. `keras.models.load_model` freezes nothing.
        **overrides: arguments of the network instead of the recipe's. `num_classes`
            (with `class_names`) makes a classifier with a fresh head on the trained
            body.

    Returns:
        `keras.Model` with `predict_volume`, `preprocessor` and `recipe`, compiled for
        fine-tuning with a small step: `fit` works at once.

    Raises:
        InputError: for an unknown name, with the nearest ones, or more members than
            have weights.
        IntegrityError: if the weights do not match the checksum in the recipe.
        OfflineError: if something must be fetched, and cannot be.
        RecipeError: if the recipe breaks the schema.
    """
    # Refused before keras is imported: a damaged file should not cost ten seconds.
    if weights or isinstance(source, CheckedModel):
        model = check_model(source, revision=revision)
        recipe, path, shapes = model.recipe, model.weights, model.shapes
    else:
        recipe, path, shapes = resolve_recipe(source, revision=revision)[1], None, {}
    num_classes = overrides.pop("num_classes", None)
    class_names = overrides.pop("class_names", None)
    if class_names is not None and num_classes is None:
        num_classes = len(class_names)

    from medzoo.models.from_recipe import build_model
    from medzoo.training.normalization import freeze_normalizations
    from medzoo.training.objective import compile_for_fine_tuning
    from medzoo.zoo.new_classes import with_new_classes

    overrides = _in_full_precision(overrides)
    left_out = _members_left_out(recipe, overrides) if weights else 0
    model = build_model(recipe.to_dict(), **overrides)
    if path is not None:
        _load_weights(model, path, shapes, left_out)
    if num_classes is not None:
        model = with_new_classes(model, num_classes, class_names)
    if path is not None and freeze_normalization:
        freeze_normalizations(model)
    compile_for_fine_tuning(model)
    return model


def attach(model: Any, recipe: dict[str, Any] | Recipe | str) -> "VolumeModel":
    """Attaches a recipe to a plain Keras model of its topology.

    `keras.models.clone_model` and `keras.Model(inputs, outputs)` return models that
    have lost class and recipe; this brings both back with the weights.

    Args:
        model: Keras model with the topology that the recipe describes.
        recipe: dict, `Recipe`, or a name in the zoo.

    Returns:
        A medzoo model with the weights of `model`.

    Raises:
        RecipeError: if the weights do not fit the recipe's topology.
    """
    from medzoo.models.from_recipe import build_model

    if isinstance(recipe, str):
        recipe = resolve_recipe(recipe)[1]
    content = recipe.to_dict() if isinstance(recipe, Recipe) else dict(recipe)
    fresh = build_model(content)
    shapes = [tuple(w.shape) for w in fresh.weights]
    if shapes != [tuple(w.shape) for w in model.weights]:
        raise RecipeError(
            "A model must have the weights of the recipe's topology. Received: "
            f"{len(model.weights)} weights, {len(shapes)} expected, or other shapes."
        )
    fresh.set_weights(model.get_weights())
    return fresh


def _in_full_precision(overrides):
    """Adds float32 where ~/.keras/keras.json would silently change results."""
    import keras

    own = keras.config.floatx()
    if own == "float32" or "dtype" in overrides:
        return overrides
    # A policy that the user set in the program is meant.
    if keras.config.dtype_policy().name != own:
        return overrides
    warnings.warn(
        f"Models are loaded in float32. Received: floatx={own!r}, from "
        "~/.keras/keras.json or keras.config.set_floatx. Pass dtype= for another.",
        MedzooWarning,
        stacklevel=3,
    )
    return {**overrides, "dtype": "float32"}


def _members_left_out(recipe, overrides):
    """Number of trained members of an ensemble that are not loaded."""
    trained = recipe.architecture["arguments"].get("num_members")
    asked = overrides.get("num_members")
    if trained is None or asked is None:
        return 0
    if not isinstance(asked, int) or not 1 <= asked <= trained:
        raise InputError(
            f"An ensemble is loaded with 1 to {trained} of its members. "
            f"Received: num_members={asked!r}. Use weights=False to train more."
        )
    return trained - asked


def _load_weights(model, path, shapes, left_out):
    stored = sum(math.prod(shape) for shape in shapes.values())
    wanted = sum(math.prod(weight.shape) for weight in model.weights)
    if left_out:
        # Members have equally many weights; those of the others stay in the file.
        own = model.members[0].weights
        wanted += left_out * sum(math.prod(weight.shape) for weight in own)
    if stored != wanted:
        raise IntegrityError(
            "A weights file must hold the weights of the network and nothing else, in "
            f"{path}. Received: {stored} numbers, {wanted} of the network. "
            "Fetch the model again."
        )
    try:
        model.load_weights(path)
    except ValueError as error:
        raise IntegrityError(
            f"Weights must fit the network in {path}. Received: "
            f"{str(error).splitlines()[0]}. Fetch the model again."
        ) from error
