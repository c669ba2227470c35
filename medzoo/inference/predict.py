"""Prediction on one case: the straight path from a scan to a result."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import InputError, MedzooError, RecipeError
from medzoo.inference.centiles import Person, with_centiles
from medzoo.inference.engine import PRECISIONS, check_engine, engine_of
from medzoo.inference.familiarity import warnings_of, widening
from medzoo.inference.postprocess import (
    answer_of_network,
    postprocess,
    step_arguments,
)
from medzoo.inference.prediction import Prediction
from medzoo.inference.reconstruct import reconstruct, reconstruction_spread
from medzoo.inference.segment import is_stitched, segment, volumes_ml
from medzoo.inference.sides import published_classes, signed_distance, split_sides
from medzoo.inference.spread import spread_scale
from medzoo.inference.super_resolve import super_resolve
from medzoo.inference.uncertainty import (
    check_uncertainty,
    entropy_of,
    number_spread,
)
from medzoo.io.refusal import naming_file
from medzoo.preprocess import Preprocessor

# Voxels by which a scan is moved to see how a segmentation depends on it.
MOVED_BY = 3


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
    model,
    image,
    *,
    uncertainty=None,
    probabilities=False,
    preprocessor=None,
    engine="keras",
    precision=None,
    age=None,
    sex=None,
):
    """Predicts on one scan.

    Args:
        model: a medzoo model with a recipe.
        image: path, Volume, or dict of channel name -> path or Volume.
        uncertainty: see `Options`.
        probabilities: bool, keep those of a segmentation.
        preprocessor: `Preprocessor` to use again over many cases; None builds one.
        engine: str, what runs the network: "keras" or "openvino", see `Options`.
        precision: str or None, likewise.
        age: float or None, years, of the person; with `sex` volumes of regions are
            compared with those of healthy people, where the recipe has a reference.
        sex: str or None, "F", "female", "M" or "male".

    Returns:
        `Prediction`.

    Raises:
        InputError: for an engine that there is not, or an age or sex that is none.
        MedzooError: for a scan that cannot be read or worked on.
    """
    chosen = {"engine": engine, "precision": precision}
    options = Options(uncertainty, probabilities, **chosen)
    preprocessor = preprocessor or preprocessor_of(model)
    case = prepare(preprocessor, image)
    person = Person.of(age, sex)
    return predict_prepared(model, case, preprocessor, options, person)


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


def prepare(preprocessor, image, *, align=True):
    """Reads and places one case.

    Args:
        preprocessor: `Preprocessor`.
        image: path, Volume, or dict of channel name -> path or Volume.
        align: bool, bring channels between which the head moved onto each other.

    Returns:
        `PreparedCase`.

    Raises:
        MedzooError: for a scan that cannot be read or worked on.
    """
    volume = preprocessor.gather(image, align=align)
    try:
        return PreparedCase(volume, *preprocessor.place(volume))
    except MedzooError as error:
        raise naming_file(error, image) from error


@dataclass(frozen=True)
class Options:
    """How a caller wants the answer.

    Args:
        uncertainty: None for the recipe's calibrated interval where it has one; "none"
            for no interval; or what the task offers besides, see
            `medzoo.inference.uncertainty.KINDS`. "tta" (test-time augmentation): how
            far answers differ when the scan is moved by a voxel (regression,
            classification, reconstruction) or mirrored (super-resolution), and the
            entropy of their mean (segmentation). "ensemble": how far the members of an
            ensemble differ. "entropy": of a segmentation's classes as they are.
        probabilities: bool, keep those of a segmentation.
        progress: callable `(done, total)` or None, where a case takes many windows.
        engine: str, what runs the network: "keras", or "openvino" (an extra), which
            may be faster on a CPU.
        precision: str or None, what the engine computes with: "float32", which None
            stands for, or with "openvino" also "bfloat16", about twice as fast on
            processors that have it, and not quite the same answer: the model's card
            says how far off.

    Raises:
        InputError: for an engine that is not installed, or a precision it has not.
    """

    uncertainty: str | None = None
    probabilities: bool = False
    progress: object = None
    engine: str = "keras"
    precision: str | None = None

    def __post_init__(self):
        check_engine(self.engine, self.precision)

    def engine_for(self, network, *, softmax=False, classes=False):
        """Returns what runs a network, as `medzoo.inference.engine.engine_of`."""
        chosen = {"name": self.engine, "precision": self.precision}
        return engine_of(network, softmax=softmax, classes=classes, **chosen)

    def to_dict(self):
        """Returns what decides the result, plain JSON."""
        return {
            "uncertainty": self.uncertainty,
            "probabilities": self.probabilities,
            "engine": self.engine,
            "precision": self.precision or PRECISIONS[self.engine][0],
        }


def predict_prepared(model, case, preprocessor, options=None, person=None):
    """Predicts on a prepared case.

    Args:
        model: a medzoo model with a recipe.
        case: `PreparedCase`.
        preprocessor: `Preprocessor` of the recipe.
        options: `Options` or None.
        person: `medzoo.inference.centiles.Person` or None.

    Returns:
        `Prediction`.
    """
    recipe = recipe_of(model)
    common = {
        "task": recipe["task"],
        "model": f"{recipe['name']}@{recipe['version']}",
        "warnings": case.notes,
        "person": person,
    }
    options = options or Options()
    check_uncertainty(options.uncertainty, recipe["task"])
    predict = _TASKS[recipe["task"]]
    return predict(model, case, preprocessor, recipe, common, options)


def _predict_numbers(model, case, preprocessor, recipe, common, options):
    x = preprocessor.normalize(case.placed.array[None])
    output, factor, notes = _answer(model, x, recipe, case, options)
    common = {**common, "warnings": (*common["warnings"], *notes)}
    kind, spread = options.uncertainty, None
    if kind in ("tta", "ensemble"):
        asked = (kind, model, case.placed, preprocessor, recipe)
        spread = number_spread(*asked, engine_for=options.engine_for)
    told = {"interval": kind != "none", "spread": spread, "widened": factor}
    return postprocess(output, recipe, common, **told)


def _answer(model, x, recipe, case, options):
    """What the network says, how much more doubtful than at home, and why."""
    step = step_arguments(recipe, "familiarity")
    if step is None or not hasattr(model, "feature_network"):
        output = answer_of_network(model, x, recipe, options.engine_for(model))
        return output, 1.0, []
    features = np.asarray(options.engine_for(model.feature_network)(x))
    output = np.asarray(model.read_out(features))[0]
    coarse = max(max(case.volume.spacing) / step["coarsest_mm"], 1.0)
    distance = float(model.distance(features)[0]) * coarse
    factor = float(widening(distance, step["usual"], step["growth"]))
    return output, factor, warnings_of(distance, features[0], model, step)


def _predict_labels(model, case, preprocessor, recipe, common, options):
    x = preprocessor.normalize(case.placed.array[None])[0]
    moved = options.uncertainty == "tta"
    if options.probabilities and step_arguments(recipe, "sides") is not None:
        raise InputError(
            "Probabilities of regions cannot be given: the network tells no sides. "
            f"Received: probabilities=True for {recipe['name']}. Leave them out."
        )
    wanted = options.uncertainty in ("entropy", "tta")
    keep = {"probabilities": options.probabilities or moved, "doubt": wanted}
    stitched = is_stitched(recipe) and not (keep["probabilities"] or wanted)
    kind = {"classes": True} if stitched else {"softmax": True}
    keep["engine"] = options.engine_for(model, **kind)
    labels, doubt, shares = segment(model, x, recipe, progress=options.progress, **keep)
    if moved:
        doubt = _doubt_when_moved(model, x, shares, recipe, keep["engine"])
        shares = shares if options.probabilities else None
    labels, names, codes = _named(labels, case, recipe)
    found = case.undo(labels, interpolation="vote")
    if shares is not None:
        # Outside of what the network saw all is background.
        background = np.eye(shares.shape[-1], dtype=np.float32)[0]
        shares = undo_each(case.undo, shares, background)
    prediction = Prediction(
        labels=found,
        volumes_ml=volumes_ml(found.array, found.spacing, names, codes),
        class_names=names,
        codes=codes,
        probabilities=shares,
        uncertainty=case.undo(doubt, interpolation="linear") if wanted else None,
        **common,
    )
    return with_centiles(prediction, step_arguments(recipe, "centiles"))


def _named(labels, case, recipe):
    """The label map as it is published, and what its labels are called."""
    sides = step_arguments(recipe, "sides")
    if sides is not None:
        across = signed_distance(case.undo.to_atlas, labels.shape)
        labels = split_sides(labels, across, case.placed.spacing, **sides)
    return labels, *published_classes(recipe)


def _predict_reconstruction(model, case, preprocessor, recipe, common, options):
    given = (model, case.placed, case.undo, preprocessor)
    found = reconstruct(*given, engine_for=options.engine_for)
    spread = None
    if options.uncertainty == "tta":
        scale = spread_scale(recipe)
        spread = reconstruction_spread(*given, scale, options.engine_for)
    return Prediction(
        image=found.image, embedding=found.embedding, uncertainty=spread, **common
    )


def _predict_fine_image(model, case, preprocessor, recipe, common, options):
    more = {"placed": case.placed, "progress": options.progress}
    more["engine"] = options.engine_for(model)
    if options.uncertainty != "tta":
        image = super_resolve(model, case.volume, recipe, **more)
        return Prediction(image=image, **common)
    image, spread = super_resolve(model, case.volume, recipe, spread=True, **more)
    return Prediction(image=image, uncertainty=spread, **common)


def _doubt_when_moved(model, x, shares, recipe, engine):
    """Entropy of the mean of both answers: as it lies, and moved by some voxels."""
    # Not a multiple of the network's strides: they fall on other voxels then.
    margin = [(MOVED_BY, 0)] * 3 + [(0, 0)]
    moved = np.pad(x, margin)
    keep = {"engine": engine, "probabilities": True, "doubt": False}
    _, _, other = segment(model, moved, recipe, **keep)
    other = other[MOVED_BY:, MOVED_BY:, MOVED_BY:]
    total = shares.astype(np.float32) + other
    return entropy_of(total / 2).astype(np.float16)


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
