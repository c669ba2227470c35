"""How well regions agree with the truth: tens of them, each on two sides."""

import numpy as np

from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case_sources import read_sources, source_of
from medzoo.data.cases.cohort import group_masks
from medzoo.data.cases.label_check import check_label_maps, read_whole_labels
from medzoo.data.cases.splits import named_split
from medzoo.errors import InputError
from medzoo.evaluation.case_means import mean_over_cases
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sides import published_classes
from medzoo.spatial import Grid, resample_labels


def measure_regions(predict, recipe, cases, *, codes=None, progress=None):
    """Predicts regions and compares them with true ones on the grid of the scan.

    True maps hold the codes of the recipe's step "sides"; other codes are regions that
    the model does not know. Where the table holds cases of the recipe's validation
    split, they alone are measured; else all are.

    Args:
        predict: callable, `Case` -> `Prediction`, raising `CaseError`.
        recipe: dict, the recipe's content.
        cases: list of `Case` whose target is the path of a label map.
        codes: path of a table of codes, which is refused, or None.
        progress: callable `(done, total)` or None.

    Returns:
        dict as of `measure_segmentation`: the mean Dice over all regions that
        the true map has, over those of each class in the step "groups", and of each
        class, both sides together.

    Raises:
        InputError: if no case has both a truth and a prediction, or, before any is
            predicted, for a label map that is not aligned with its image.
    """
    if codes is not None:
        raise InputError(
            "Regions are compared by the codes of the recipe's step sides. "
            f"Received: a table of codes, {codes}. Translate the label maps."
        )
    held_out = [cases[i] for i in named_split(cases, recipe)[1]]
    chosen = held_out or list(cases)
    # Before hours of prediction.
    check_label_maps(chosen)
    sources = read_sources(recipe["training"])
    rows, failed = [], {}
    for done, case in enumerate(chosen, 1):
        try:
            found = predict(case).labels
        except CaseError as error:
            failed[case.case_id] = str(error)
        else:
            columns = {**case.columns, "source": source_of(case, sources).name}
            dice = dice_of_codes(found, _truth(case, found), recipe)
            rows.append((columns, dice, case.person))
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise InputError(
            "An evaluation needs at least one case with a truth and a prediction. "
            f"Received: {len(chosen)} labelled, {len(failed)} failed."
        )
    dice = np.array([row for _, row, _ in rows])
    people = np.array([person for *_, person in rows])
    which = "of the validation split" if held_out else "of the table"
    found = {
        "protocol": f"{len(rows)} cases {which}, label maps compared on the grid of "
        "the scan; a region counts where the true map has it, and each side for itself",
        "metrics": {**_means(dice, people, recipe), **_each(dice, people, recipe)},
        "baselines": {},
        "groups": _groups([columns for columns, *_ in rows], dice, people, recipe),
    }
    return {**found, **({"failed": failed} if failed else {})}


def dice_of_codes(found, truth, recipe):
    """Returns the Dice of every code but the background's, NaN where truth has none.

    Args:
        found: Volume of codes.
        truth: array of codes, of the same shape.
        recipe: dict.

    Returns:
        `(codes,)` float, in the order of `published_classes`.
    """
    codes = published_classes(recipe)[1]
    predicted, true = np.asarray(found.array), np.asarray(truth)
    size = int(max(predicted.max(), true.max(), max(codes))) + 1
    counts = [np.bincount(array.ravel(), minlength=size) for array in (predicted, true)]
    both = np.bincount(true[predicted == true].ravel(), minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        dice = np.where(counts[1] > 0, 2 * both / (counts[0] + counts[1]), np.nan)
    return dice[codes[1:]]


def _truth(case, found):
    return resample_labels(read_whole_labels(case), Grid.of(found)).array


def _members(recipe):
    """The columns of `dice_of_codes` that belong to each class but the background."""
    codes = step_arguments(recipe, "sides")["codes"]
    counts = [len(own) for own in codes[1:]]
    ends = np.cumsum(counts)
    return {
        k: list(range(end - count, end))
        for k, (end, count) in enumerate(zip(ends, counts, strict=True), 1)
    }


def _means(dice, people, recipe):
    """Means over regions, then over cases."""
    found = {}
    if np.isfinite(dice).any():
        found["mean_dice"] = _mean_of(dice, people)
    members = _members(recipe)
    for name, classes in (step_arguments(recipe, "groups") or {}).items():
        columns = [column for k in classes for column in members[k]]
        values = dice[:, columns]
        if np.isfinite(values).any():
            found[f"mean_dice_{name}"] = _mean_of(values, people)
    return found


def _groups(columns, dice, people, recipe):
    masks = group_masks(columns)
    return {n: _means(dice[m], people[m], recipe) for n, m in masks.items()}


def _each(dice, people, recipe):
    """The Dice of each class, both sides together."""
    found = {}
    for k, columns in _members(recipe).items():
        values = dice[:, columns]
        if np.isfinite(values).any():
            name = recipe["class_names"][k].replace(" ", "_")
            found[f"dice_{name}"] = _mean_of(values, people)
    return found


def _mean_of(dice, people):
    """The mean over the cases that have any of the regions."""
    there = np.isfinite(dice).any(axis=1)
    return mean_over_cases(np.nanmean(dice[there], axis=1), people=people[there])
