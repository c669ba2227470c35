"""Prediction on one case: the straight path from a scan to a result."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import check_uncertainty, postprocess, step_arguments
from medzoo.inference.prediction import Prediction
from medzoo.inference.reconstruct import reconstruct
from medzoo.inference.segment import segment, volumes_ml
from medzoo.inference.super_resolve import super_resolve
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


def predict_volume(
    model, image, *, uncertainty=None, probabilities=False, preprocessor=None
):
    """Predicts on one scan.

    Args:
        model: a medzoo model with a recipe.
        image: path, Volume, or dict of channel name -> path or Volume.
        uncertainty: see `Options`.
        probabilities: bool, keep those of a segmentation.
        preprocessor: `Preprocessor` to use again over many cases; None builds one.

    Returns:
        `Prediction`.

    Raises:
        MedzooError: for a scan that cannot be read or worked on.
    """
    preprocessor = preprocessor or preprocessor_of(model)
    case = prepare(preprocessor, image)
    options = Options(uncertainty, probabilities)
    return predict_prepared(model, case, preprocessor, options)


@dataclass(frozen=True)
class PreparedCase:
    """A scan that went through the checks and spatial steps; no network is needed yet.

    Args:
        volume: Volume, the channels of the case as they were given, on one grid.
        placed: Volume on the network's grid.
        undo: `Undo`, the way back.
    """

    volume: object
    placed: object
    undo: object

    @property
    def notes(self):
        """Tuple of str: what was found doubtful."""
        return (*self.volume.warnings, *self.undo.notes)


def prepare(preprocessor, image):
    """Reads and places one case.

    Args:
        preprocessor: `Preprocessor`.
        image: path, Volume, or dict of channel name -> path or Volume.

    Returns:
        `PreparedCase`.

    Raises:
        MedzooError: for a scan that cannot be read or worked on.
    """
    volume = preprocessor.gather(image)
    return PreparedCase(volume, *preprocessor.place(volume))


@dataclass(frozen=True)
class Options:
    """How a caller wants the answer.

    Args:
        uncertainty: None for the recipe's calibrated interval where it has one; "none";
            or what the task offers besides: "entropy" of a segmentation's classes.
        probabilities: bool, keep those of a segmentation.
        progress: callable `(done, total)` or None, where a case takes many windows.
    """

    uncertainty: str | None = None
    probabilities: bool = False
    progress: object = None

    def to_dict(self):
        """Returns what decides the result, plain JSON."""
        return {"uncertainty": self.uncertainty, "probabilities": self.probabilities}


def predict_prepared(model, case, preprocessor, options=None):
    """Predicts on a prepared case.

    Args:
        model: a medzoo model with a recipe.
        case: `PreparedCase`.
        preprocessor: `Preprocessor` of the recipe.
        options: `Options` or None.

    Returns:
        `Prediction`.
    """
    recipe = recipe_of(model)
    common = {
        "task": recipe["task"],
        "model": f"{recipe['name']}@{recipe['version']}",
        "warnings": case.notes,
    }
    predict = _TASKS[recipe["task"]]
    return predict(model, case, preprocessor, recipe, common, options or Options())


def _predict_numbers(model, case, preprocessor, recipe, common, options):
    x = preprocessor.normalize(case.placed.array[None])
    output = answer(model, x, recipe)
    return postprocess(output, recipe, common, uncertainty=options.uncertainty)


def _predict_labels(model, case, preprocessor, recipe, common, options):
    check_uncertainty(options.uncertainty, ("none", "entropy"))
    x = preprocessor.normalize(case.placed.array[None])[0]
    keep = {"probabilities": options.probabilities, "progress": options.progress}
    labels, doubt, shares = segment(model, x, recipe, **keep)
    found = case.undo(labels, interpolation="vote")
    names = recipe["class_names"]
    if shares is not None:
        # Outside of what the network saw all is background.
        background = np.eye(len(names), dtype=np.float32)[0]
        shares = undo_each(case.undo, shares, background)
    wanted = options.uncertainty == "entropy"
    return Prediction(
        labels=found,
        volumes_ml=volumes_ml(found.array, found.spacing, names),
        class_names=list(names),
        probabilities=shares,
        uncertainty=case.undo(doubt, interpolation="linear") if wanted else None,
        **common,
    )


def _predict_reconstruction(model, case, preprocessor, recipe, common, options):
    check_uncertainty(options.uncertainty, ("none",))
    found = reconstruct(model, case.placed, case.undo, preprocessor)
    return Prediction(image=found.image, embedding=found.embedding, **common)


def _predict_fine_image(model, case, preprocessor, recipe, common, options):
    check_uncertainty(options.uncertainty, ("none",))
    image = super_resolve(
        model,
        case.volume,
        recipe,
        placed=case.placed,
        progress=options.progress,
    )
    return Prediction(image=image, **common)


def undo_each(undo, array, background):
    """Brings channels back one by one, each with its own value outside."""
    parts = [
        undo(array[..., c], interpolation="linear", background=float(value))
        for c, value in enumerate(background)
    ]
    stacked = np.stack([part.array.astype(np.float16) for part in parts], -1)
    return parts[0].with_array(stacked)


_TASKS = {
    "regression": _predict_numbers,
    "classification": _predict_numbers,
    "segmentation": _predict_labels,
    "reconstruction": _predict_reconstruction,
    "super_resolution": _predict_fine_image,
}


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
