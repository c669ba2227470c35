"""Prediction on one scan: the straight path from an image to a result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medzoo.inference.centiles import Person, with_centiles
from medzoo.inference.prediction import Prediction
from medzoo.inference.settings import Settings
from medzoo.inference.task import recipe_of
from medzoo.inference.tasks import TASKS
from medzoo.preprocess import Preprocessor
from medzoo.volume import Volume


def predict_image(image, preprocess, task, person=None):
    """Predicts on one scan: preprocessing, the network, the way back.

    Args:
        image: what `preprocess` takes.
        preprocess: callable from the image to a Volume on the network's grid and the
            way back, as `task.preprocess`, or one that has begun already.
        task: `medzoo.inference.task.Task`.
        person: `medzoo.inference.centiles.Person`, who was scanned, or None.

    Returns:
        `Prediction`.
    """
    x, undo = preprocess(image)
    y = task.network(x)
    result = undo(task.postprocess(y))

    recipe = task.recipe
    warnings = (*x.warnings, *result.pop("warnings", ()))
    prediction = task.result(
        task=recipe["task"],
        model=f"{recipe['name']}@{recipe['version']}",
        person=person,
        warnings=warnings,
        **result,
    )
    return with_centiles(prediction, task.step("centiles"))


def predict_volume(
    model: Any,
    image: str | Path | Volume | Mapping[str, Any],
    *,
    uncertainty: str | None = "interval",
    probabilities: bool = False,
    preprocessor: Any = None,
    engine: str = "keras",
    precision: str | None = None,
    native: bool = False,
    age: float | None = None,
    sex: str | None = None,
    space: str | None = None,
) -> Prediction:
    """Predicts on one scan.

    Args:
        model: a medzoo model with a recipe.
        image: path, Volume, or dict of channel name -> path or Volume.
        uncertainty: str or None, see `medzoo.inference.settings.Settings`.
        probabilities: bool, keep those of a segmentation.
        preprocessor: `Preprocessor` to use again over many cases; None builds one.
        engine: str, the inference backend: "keras" or "openvino", see `Settings`.
        precision: str or None, likewise.
        native: bool, likewise; not with a `preprocessor`, which knows its grid.
        age: float or None, years, of the person; with `sex` volumes of regions are
            compared with those of healthy people, where the recipe has a reference.
        sex: str or None, "F", "female", "M" or "male".
        space: str or None, "mni" or "mni:deformable": the label map or image, and
            volumes, in the standard space too (`Prediction.standard`).

    Returns:
        `Prediction`.

    Raises:
        InputError: for an unknown engine, uncertainty estimate or space, or an invalid
            age or sex.
        MedzooError: for a scan that cannot be read or worked on.
    """
    settings = Settings(
        uncertainty, probabilities, engine, precision, native=native, space=space
    )
    task = task_of(recipe_of(model), lambda: model, settings, preprocessor)
    return predict_image(image, task.preprocess, task, Person.of(age, sex))


def task_of(recipe, load, settings=None, preprocessor=None):
    """Returns the `Task` of a recipe; arguments as of `medzoo.inference.task.Task`."""
    return TASKS[recipe["task"]](recipe, load, settings, preprocessor)


def preprocessor_of(model: Any) -> Preprocessor:
    """Returns the `Preprocessor` of the recipe that a model carries.

    Raises:
        RecipeError: if no recipe is attached.
    """
    recipe = recipe_of(model)
    return Preprocessor(recipe["preprocessing"], recipe["channels"])
