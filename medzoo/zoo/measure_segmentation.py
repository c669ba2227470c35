"""How well label maps agree with the truth, class by class."""

from pathlib import Path

import numpy as np

from medzoo.data.code_table import read_code_table, recode
from medzoo.data.sources import read_sources, source_of
from medzoo.data.splits import named_split
from medzoo.errors import InputError
from medzoo.metrics.intervals import bootstrap
from medzoo.metrics.segmentation import segmentation_metrics
from medzoo.spatial import Grid, resample_labels
from medzoo.volume import Volume
from medzoo.zoo.predict import CaseError

# Name in metrics.json, name in `segmentation_metrics`, unit.
METRICS = (
    ("dice", "dice", None),
    ("absolute_volume_difference", "absolute_volume_difference", "%"),
    ("hausdorff_distance_95", "hausdorff_distance_95", "mm"),
)


def measure_segmentation(predict, recipe, cases, *, tables, codes=None, progress=None):
    """Predicts label maps and compares them with true ones on the grid of the scan.

    Where the table holds cases of the recipe's validation split, they alone are
    measured; else all are.

    Args:
        predict: callable, `Case` -> `Prediction`, raising `CaseError`.
        recipe: dict, the recipe's content.
        cases: list of `Case` whose target is the path of a label map; a column
            `source` names the kind, and with it a table of codes.
        tables: path of the folder with the recipe's tables of codes.
        codes: path of a table of codes instead, or None.
        progress: callable `(done, total)` or None.

    Returns:
        dict: `protocol`, `metrics`, `baselines` (none), `groups` by source where there
        are several, and `failed` (case_id -> error).

    Raises:
        InputError: if no case has both a truth and a prediction.
    """
    held_out = [cases[i] for i in named_split(cases, recipe)[1]]
    chosen = held_out or list(cases)
    sources = read_sources(recipe["training"])
    rows, failed = [], {}
    for done, case in enumerate(chosen, 1):
        source = source_of(case, sources)
        try:
            prediction = predict(case)
        except CaseError as error:
            failed[case.case_id] = str(error)
        else:
            truth = true_labels(case, recipe, codes or _beside(tables, source.codes))
            entry = compare(prediction.labels, truth, recipe, source.any_of)
            rows.append({"source": source.name, "classes": entry})
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise InputError(
            "An evaluation needs at least one case with a truth and a prediction. "
            f"Received: {len(chosen)} labelled, {len(failed)} failed."
        )
    names = recipe["class_names"]
    groups = {}
    kinds = dict.fromkeys(row["source"] for row in rows)
    if len(kinds) > 1:
        for kind in kinds:
            inside = [row for row in rows if row["source"] == kind]
            groups[kind] = summary(inside, names)
    which = "of the validation split" if held_out else "of the table"
    protocol = (
        f"{len(rows)} cases {which}, label maps compared on the grid of the scan; "
        "means over cases. A class counts where the true map has it."
    )
    found = {"protocol": protocol, "metrics": summary(rows, names), "baselines": {}}
    return {**found, "groups": groups, **({"failed": failed} if failed else {})}


def true_labels(case, recipe, codes):
    """Reads a case's true label map as classes.

    Args:
        case: `Case`.
        recipe: dict.
        codes: path of a table of codes, or None where the map holds classes.

    Returns:
        Volume of uint8.

    Raises:
        MedzooError: for a map that cannot be read, or holds other labels.
    """
    from medzoo.io import read

    count = len(recipe["class_names"])
    volume = read(case.folder / case.target)
    table = None if codes is None else read_code_table(codes, count)
    array = volume.array if volume.array.ndim == 3 else volume.array[..., 0]
    return Volume(recode(array, table, count), volume.affine)


def compare(found, truth, recipe, any_of=None):
    """Returns `segmentation_metrics` of a prediction, on the grid of the scan.

    Args:
        found: Volume, predicted classes.
        truth: Volume, true classes, on any grid of the same space.
        recipe: dict.
        any_of: dict of class -> list of classes that the truth does not tell from it;
            predictions of those count as the class.
    """
    truth = resample_labels(truth, Grid.of(found))
    predicted = np.array(found.array)
    for label, classes in (any_of or {}).items():
        predicted[np.isin(predicted, list(classes))] = int(label)
    return segmentation_metrics(
        predicted, np.asarray(truth.array), len(recipe["class_names"]), found.spacing
    )


def summary(rows, class_names):
    """Returns the mean of each metric and class over cases, with intervals."""
    labels = [
        k
        for k in range(1, len(class_names))
        if any(row["classes"][k]["true_volume_ml"] > 0 for row in rows)
    ]
    present = [
        [row["classes"][k]["dice"] for k in labels if _is_there(row, k)] for row in rows
    ]
    metrics = {"mean_dice": _mean([np.mean(dice) for dice in present])}
    for name, key, unit in METRICS:
        for k in labels:
            values = [row["classes"][k][key] for row in rows if _is_there(row, k)]
            entry = _mean(values)
            if unit is not None:
                entry["unit"] = unit
            metrics[f"{name}_{class_names[k].replace(' ', '_')}"] = entry
    return metrics


def _is_there(row, label):
    return row["classes"][label]["true_volume_ml"] > 0


def _mean(values):
    return bootstrap(lambda v: v.mean(axis=-1), np.asarray(values, float))


def _beside(tables, name):
    return None if name is None else Path(tables) / name
