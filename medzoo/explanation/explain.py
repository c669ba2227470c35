"""`medzoo.explain`: explains a prediction on a scan."""

import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.errors import InputError, MedzooError, MedzooWarning
from medzoo.explanation.answer import answer_of
from medzoo.explanation.explanation import Explanation
from medzoo.explanation.path_integral import integrated_gradients
from medzoo.explanation.population import FILE, Population, read_population
from medzoo.explanation.regions import regions_of
from medzoo.explanation.voxels import input_of
from medzoo.inference.predict import predict_image, task_of
from medzoo.inference.task import recipe_of
from medzoo.spatial.doubt import MAP, Doubt
from medzoo.spatial.standard_space import standard_space
from medzoo.volume import Volume
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve

STEPS = 32
TEMPLATE = "template"
ML = 1000.0
# Rank correlation with shuffled weights from which a map shows the scan alone.
MOST_LIKE_RANDOM = 0.5
# What the quadrature may lack: a share of the difference from the baseline, or where
# that is small, of the attributions' absolute sum.
LARGEST_GAP = (0.2, 0.005)


def explain(
    source: Any,
    image: str | Path | Volume | Mapping[str, Any],
    *,
    target: str | None = None,
    baseline: Any = None,
    regions: str | Path | Volume | None = None,
    steps: int = STEPS,
    check_randomised: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Any:
    """Explains a predicted value or class.

    Two ways: integrated gradients, a map in the scan's own space whose integral is
    the difference from the baseline; and occlusion, the change of the output when one
    region is replaced by the baseline.

    Gradients are taken in what the network sees (local histograms, say), along the
    line from the population's mean, and divided among the voxels that it is made of.
    Registration, bias correction and scaling count as given: no gradient passes them.

    Of an autoencoder it tells where the scan's code lies among those of the training
    set, of super-resolution what differs from cubic interpolation; there is nothing to
    choose then.

    Args:
        source: str or path (a zoo name, `name@version`, a model folder), or a model
            from `medzoo.load`.
        image: path, Volume, or dict of channel name -> path or Volume.
        target: str or None, the class to explain; None for the predicted one.
        baseline: None for the population's mean of the model's folder, or where it has
            none, and with "template", for the average head of the standard space; the
            path of an .npz of `medzoo explain --population`, or a `Population`; or
            another scan, as `image`: then the difference of both is explained.
        regions: None ("mni:deformable"), "mni:affine" or "mni:rigid", the regions of
            the standard space brought to the scan; the name of a segmentation model;
            or a label map of the scan, path or Volume.
        steps: int, points on the way from the baseline.
        check_randomised: bool, whether the map is compared with that of shuffled
            weights.
        progress: callable of a stage ("reading", "placing", "regions", "gradients"),
            its steps that are done, and all of them; it may raise to end the work.

    Returns:
        `Explanation`, or `LatentPlace` or `ImageDifference` of
        `medzoo.explanation.image_answers`.

    Raises:
        InputError: for a model of label maps, an unknown class, regions or a baseline
            that do not fit.
        MedzooError: for a scan that cannot be read or worked on.

    Example:
        >>> found = medzoo.explain("ixi_age_resnet", "sub-01_T1w.nii.gz")
        >>> found.regions[0].name, found.regions[0].effect  # years

    Source:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks" (2017); Zeiler
        and Fergus, "Visualizing and Understanding Convolutional Networks" (2014), for
        occlusion; Adebayo et al., "Sanity Checks for Saliency Maps" (2018).
    """
    _check_steps(steps)
    task, folder = task_and_folder(source)
    if task.gives_images:
        return _of_image_model(task, folder, image, target, baseline, regions)
    tell = progress or (lambda stage, done, total: None)
    tell("reading", 0, 1)
    scan = task.preprocessor.gather(image, align=True)
    tell("placing", 0, 1)
    placed, undo = task.preprocessor.place(scan)
    prediction = _predicted(task, scan, placed, undo)
    familiarity = prediction.familiarity
    widened = 1.0 if familiarity is None else familiarity.factor
    answer = answer_of(task, prediction, target, widened)
    seen = input_of(task, placed.array)
    start, compared = _baseline(baseline, task, folder, seen.numbers.shape)
    tell("regions", 0, 1)
    found = regions_of(regions, scan, undo, task)
    return _explained(
        prediction,
        task.model,
        answer,
        seen,
        (start, compared),
        found,
        undo,
        steps,
        check_randomised,
        tell,
    )


def _explained(
    prediction,
    model,
    answer,
    seen,
    baseline,
    regions,
    undo,
    steps,
    check_randomised,
    tell,
):
    """The `Explanation` of what a network saw."""
    from medzoo.explanation.input_gradients import InputGradients
    from medzoo.explanation.occlusion import region_effects

    start, compared = baseline
    total = num_batches(len(regions.names), steps, check_randomised)
    gradients = InputGradients(
        model, answer, lambda done: tell("gradients", min(done, total), total)
    )
    own, other = gradients.answers(np.stack([seen.numbers, start]))
    parts = integrated_gradients(gradients, start, seen.numbers, steps)
    voxels = seen.spread(parts, start)
    inside = Volume(voxels, undo.to_source @ undo.grid.affine)
    effects = region_effects(gradients.answers, answer, seen, start, regions, inside)
    alike = None
    if check_randomised:
        alike = likeness_to_random(gradients, seen, start, voxels, steps)
    gap = float(own - other - parts.sum())
    doubts = (*_doubts(alike), *_doubts_of_gap(gap, parts, steps))
    doubts = [Doubt(text, MAP) for text in doubts]
    density = map_in_scan(voxels, undo)
    own_ml = abs(np.linalg.det(density.affine[:3, :3])) / ML
    return Explanation(
        prediction=prediction,
        unit=answer.unit,
        told_unit=answer.told_unit,
        target=answer.name,
        value=float(answer.told(own)),
        baseline_value=float(answer.told(other)),
        answer=float(own),
        baseline_answer=float(other),
        gap=gap,
        map=density,
        integral=float(density.array.sum(dtype=np.float64) * own_ml),
        regions=tuple(effects),
        region_source=regions.source,
        baseline=compared,
        random_weights=alike,
        steps=steps,
        warnings=(*prediction.warnings, *regions.warnings, *doubts),
    )


def num_batches(regions, steps, check_randomised):
    """Returns how many batches an explanation puts through the network, about.

    Args:
        regions: int, how many are replaced; some may be out of sight.
        steps: int.
        check_randomised: bool.
    """
    from medzoo.explanation.input_gradients import BATCH

    ways = 2 if check_randomised else 1
    return 2 + math.ceil(regions / BATCH) + ways * math.ceil(steps / BATCH)


def task_and_folder(source):
    """Returns the `Task` of a model, and its folder or None.

    Args:
        source: as of `explain`.

    Raises:
        InputError: for a model of label maps.
    """
    if isinstance(source, (str, Path)):
        folder = resolve(source)
        recipe = read_recipe(folder).to_dict()
        # Refused before Keras is imported.
        _check_explained(task_of(recipe, None))
        from medzoo.zoo.load import load

        model = load(source)
    else:
        model, recipe = source, recipe_of(source)
        folder = _folder_of(recipe)
    task = task_of(recipe, lambda: model)
    _check_explained(task)
    return task, folder


def likeness_to_random(gradients, seen, start, voxels, steps):
    """Returns rank correlations of a map with that of shuffled weights.

    Args:
        gradients: `InputGradients`, whose weights are shuffled for good.
        seen: `GridInput`.
        start: array, the baseline.
        voxels: `(x, y, z)` array, the map.
        steps: int.
    """
    from scipy.stats import spearmanr

    gradients.randomise()
    other = integrated_gradients(gradients, start, seen.numbers, steps)
    other = seen.spread(other, start)
    used = (voxels != 0) | (other != 0)
    if used.sum() < 2:
        return None
    signed = spearmanr(voxels[used], other[used]).statistic
    absolute = spearmanr(np.abs(voxels[used]), np.abs(other[used])).statistic
    return {
        "signed": float(np.nan_to_num(signed)),
        "absolute": float(np.nan_to_num(absolute)),
    }


def map_in_scan(voxels, undo):
    """Brings what each voxel of the network's grid adds into the scan's own space.

    Args:
        voxels: `(x, y, z)` array, in the unit of the answer.
        undo: `Undo`.

    Returns:
        Volume float32, in that unit per millilitre of the scan.
    """
    to_scan = undo.to_source @ undo.grid.affine
    voxel_ml = abs(np.linalg.det(to_scan[:3, :3])) / ML
    density = np.asarray(voxels / voxel_ml, np.float32)
    return undo(density, interpolation="linear")


def _predicted(task, scan, placed, undo):
    """The `Prediction` of a scan that is placed already."""
    x = Volume(placed.array, placed.affine, warnings=(*scan.warnings, *undo.notes))
    restore = partial(task.restore, undo=undo)
    return predict_image(scan, lambda _: (x, restore), task)


def _baseline(asked, task, folder, shape):
    """The network's input to start from, and what it is called."""
    if asked is None and folder is not None and (folder / FILE).is_file():
        try:
            asked = read_population(folder / FILE, task.recipe, shape)
        except InputError as error:
            warnings.warn(str(error), MedzooWarning, stacklevel=3)
    if isinstance(asked, (str, Path)) and str(asked).endswith(".npz"):
        asked = read_population(asked, task.recipe, shape)
    if isinstance(asked, Population):
        return np.asarray(asked.mean, np.float64), f"the mean of {asked.count} people"
    if asked is None or (isinstance(asked, str) and asked == TEMPLATE):
        asked, compared = standard_space("mni").head, "the average head"
    else:
        compared = "the scan to compare with"
    placed, _ = task.preprocess(asked)
    return np.asarray(task.normalize(placed.array[None])[0], np.float64), compared


def _folder_of(recipe):
    """The folder of a model in memory, where it is of the zoo."""
    try:
        folder = resolve(f"{recipe['name']}@{recipe['version']}")
        own = read_recipe(folder).to_dict()["preprocessing"]
    except MedzooError:
        return None
    return folder if own == recipe["preprocessing"] else None


def _of_image_model(task, folder, image, target, baseline, regions):
    if (target, baseline, regions) != (None, None, None):
        raise InputError(
            "A class, a baseline and regions are for regression or classification "
            "models. "
            f"Received: {task.recipe['name']}, which gives images. Leave them out."
        )
    from medzoo.explanation.image_answers import explain_image_model

    return explain_image_model(task, folder, image)


def _check_explained(task):
    if task.gives_labels:
        raise InputError(
            "Segmentation models cannot be explained. Received: "
            f"{task.recipe['name']}, whose task is {task.recipe['task']}. Use "
            "predict --uncertainty entropy for where it is in doubt."
        )


def _check_steps(steps):
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= 1000:
        raise InputError(
            f"`steps` must be a whole number from 1 to 1000. Received: steps={steps!r}."
        )


def _doubts(alike):
    if alike is None or alike["signed"] < MOST_LIKE_RANDOM:
        return ()
    return (
        "The map is much like that of shuffled weights (rank correlation "
        f"{alike['signed']:.2f}): it shows the scan rather than what was learned.",
    )


def _doubts_of_gap(gap, parts, steps):
    difference, total = abs(parts.sum() + gap), np.abs(parts).sum()
    if abs(gap) <= max(LARGEST_GAP[0] * difference, LARGEST_GAP[1] * total):
        return ()
    return (
        f"The attributions lack {gap:.2g} of a difference of {parts.sum() + gap:.2g} "
        f"from the baseline: {steps} steps are too few for this network. Use more.",
    )
