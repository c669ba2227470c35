"""Prediction on one case: the straight path from a scan to a result."""

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import postprocess, step_arguments
from medzoo.preprocess import Preprocessor


def preprocessor_of(model):
    """Returns the `Preprocessor` of the recipe that a model carries.

    Raises:
        RecipeError: if no recipe is attached.
    """
    recipe = recipe_of(model)
    return Preprocessor(recipe["preprocessing"], recipe["channels"])


def recipe_of(model):
    """Returns the recipe that a model carries, as a dict.

    Raises:
        RecipeError: if no recipe is attached.
    """
    recipe = getattr(model, "recipe", None)
    if recipe is None:
        raise RecipeError(
            "A model needs a recipe to work on scans. Received: recipe=None. "
            "Load it with medzoo.load, or use medzoo.attach(model, recipe)."
        )
    return recipe


def predict_volume(model, image, *, uncertainty=None, preprocessor=None):
    """Predicts on one scan.

    Args:
        model: a medzoo model with a recipe.
        image: path, Volume, or dict of channel name -> path or Volume.
        uncertainty: None for the recipe's calibrated interval, or "none".
        preprocessor: `Preprocessor` to use again over many cases; None builds one.

    Returns:
        `Prediction`.

    Raises:
        MedzooError: for a scan that cannot be read or worked on.
    """
    preprocessor = preprocessor or preprocessor_of(model)
    volume = preprocessor.gather(image)
    placed, undo = preprocessor.place(volume)
    notes = (*volume.warnings, *undo.notes)
    return predict_placed(
        model, placed, preprocessor, notes=notes, uncertainty=uncertainty
    )


def predict_placed(model, placed, preprocessor, *, notes=(), uncertainty=None):
    """Predicts on a scan that went through the spatial steps already.

    Args:
        model: a medzoo model with a recipe.
        placed: Volume on the network's grid, from `preprocessor.place`.
        preprocessor: `Preprocessor` of the recipe.
        notes: strings, warnings about the scan.
        uncertainty: None for the recipe's calibrated interval, or "none".

    Returns:
        `Prediction`.
    """
    recipe = recipe_of(model)
    x = preprocessor.normalize(placed.array[None])
    output = answer(model, x, recipe)
    return postprocess(output, recipe, uncertainty=uncertainty, warnings=notes)


def answer(model, x, recipe):
    """Runs the network on one prepared case, mirrored too if the recipe says so.

    Args:
        model: Keras model.
        x: `(1, x, y, z, channels)` float32.
        recipe: dict.

    Returns:
        `(num_classes,)` float32 array.
    """
    mirrored = step_arguments(recipe, "mirror")
    if mirrored is not None:
        # A head is symmetric: the mean over both sides errs less than either.
        x = np.concatenate([x, np.flip(x, 1 + mirrored["axis"])])
    return np.asarray(model.predict_on_batch(x), np.float32).mean(axis=0)
