"""How well label maps agree with the truth, class by class."""

from pathlib import Path

import numpy as np

from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case_sources import read_sources, source_of
from medzoo.data.cases.code_table import read_code_table, recode
from medzoo.data.cases.cohort import group_masks
from medzoo.data.cases.label_check import check_label_maps, read_whole_labels
from medzoo.data.cases.splits import named_split
from medzoo.errors import InputError
from medzoo.evaluation.case_means import mean_over_cases
from medzoo.evaluation.regions import measure_regions
from medzoo.evaluation.task_evaluation import ImageEvaluation
from medzoo.inference.postprocess import step_arguments
from medzoo.metrics.calibration import error_detection, expected_calibration_error
from medzoo.metrics.segmentation import segmentation_metrics
from medzoo.spatial import Grid, resample_labels

# Smaller volumes are not compared: a voxel more or less says nothing.
LEAST_ML = 1.0
# Name in metrics.json, name in `segmentation_metrics`, unit.
METRICS = (
    ("dice", "dice", None),
    ("absolute_volume_difference", "absolute_volume_difference", "%"),
    ("hausdorff_distance_95", "hausdorff_distance_95", "mm"),
)


class SegmentationEvaluation(ImageEvaluation):
    """Compares label maps, see `ImageEvaluation`."""

    @property
    def needs_probabilities(self):
        """True but for regions, whose probabilities take gigabytes."""
        return step_arguments(self.recipe, "sides") is None

    def measure_cases(self, predictor, cases, *, codes=None, progress=None):
        """See `ImageEvaluation`."""
        return measure_segmentation(
            predictor.prediction,
            self.recipe,
            cases,
            tables=predictor.folder,
            codes=codes,
            progress=progress,
        )

    @staticmethod
    def differences(first, second):
        """The difference of volumes, in percent of their mean."""
        found = {}
        for name, ml in first.volumes_ml.items():
            if ml >= LEAST_ML:
                other = second.volumes_ml[name]
                percent = 200 * abs(ml - other) / (ml + other)
                found[f"volume_{name.replace(' ', '_')}"] = (percent, "%")
        return found

    @staticmethod
    def engine_difference(found, usual):
        """The share of other labels, of the voxels that have one in either map."""
        one, other = found.labels.array, usual.labels.array
        some = np.count_nonzero((one > 0) | (other > 0))
        share = np.count_nonzero(one != other) / max(1, some)
        return {"other_labels": float(share)}


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
        InputError: if no case has both a truth and a prediction, or, before any is
            predicted, for a label map that is not aligned with its image.
    """
    if step_arguments(recipe, "sides") is not None:
        options = {"codes": codes, "progress": progress}
        return measure_regions(predict, recipe, cases, **options)
    held_out = [cases[i] for i in named_split(cases, recipe)[1]]
    chosen = held_out or list(cases)
    sources = read_sources(recipe["training"])

    def truth_of(case):
        own = _beside(tables, source_of(case, sources).codes)
        return true_labels(case, recipe, codes or own)

    # Before hours of prediction.
    check_label_maps(chosen, truth_of)
    rows, failed = [], {}
    for done, case in enumerate(chosen, 1):
        source = source_of(case, sources)
        try:
            prediction = predict(case)
        except CaseError as error:
            failed[case.case_id] = str(error)
        else:
            rows.append(_row(case, prediction, truth_of(case), recipe, source))
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise InputError(
            "An evaluation needs at least one case with a truth and a prediction. "
            f"Received: {len(chosen)} labelled, {len(failed)} failed."
        )
    names = recipe["class_names"]
    which = "of the validation split" if held_out else "of the table"
    return {
        "protocol": f"{len(rows)} cases {which}, label maps compared on the grid of "
        "the scan; means over cases. A class counts where the true map has it.",
        "metrics": summary(rows, names),
        "baselines": {},
        "groups": _by_group(rows, names),
        **({"failed": failed} if failed else {}),
    }


def _row(case, prediction, truth, recipe, source):
    """What one case says: each class, and how sure the network was with reason."""
    return {
        "columns": {**case.columns, "source": source.name},
        "person": case.person,
        "classes": compare(prediction.labels, truth, recipe, source.any_of),
        **calibration(prediction, truth, source.any_of),
    }


def _by_group(rows, names):
    """Summaries of sexes, ages and sources; distances of sources alone."""
    groups = {}
    for name, mask in group_masks([row["columns"] for row in rows]).items():
        found = summary(
            [row for row, inside in zip(rows, mask, strict=True) if inside], names
        )
        whole = name in {row["columns"]["source"] for row in rows}
        groups[name] = {k: v for k, v in found.items() if whole or "dice" in k}
    return groups


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
    count = len(recipe["class_names"])
    table = None if codes is None else read_code_table(codes, count)
    labels = read_whole_labels(case)
    return labels.with_array(recode(labels.array, table, count))


def compare(found, truth, recipe, any_of=None):
    """Returns `segmentation_metrics` of a prediction, on the grid of the scan.

    Args:
        found: Volume, predicted classes.
        truth: Volume, true classes, on any grid of the same space.
        recipe: dict.
        any_of: dict of class -> list of classes that the truth does not distinguish
            from it; predictions of those count as the class.
    """
    truth = resample_labels(truth, Grid.of(found))
    predicted = np.array(found.array)
    for label, classes in (any_of or {}).items():
        predicted[np.isin(predicted, list(classes))] = int(label)
    return segmentation_metrics(
        predicted, np.asarray(truth.array), len(recipe["class_names"]), found.spacing
    )


def calibration(prediction, truth, any_of=None):
    """Returns the calibration of the probabilities of a prediction.

    Args:
        prediction: `Prediction` with labels and, or there is nothing to tell,
            probabilities.
        truth: Volume, true classes.
        any_of: see `compare`.

    Returns:
        dict: over the voxels that are not background in both maps, the
        `expected_calibration_error` of the largest probability and the
        `error_detection` of what it lacks to 1.
    """
    if prediction.probabilities is None:
        return {}
    labels = np.array(prediction.labels.array)
    truth = np.asarray(resample_labels(truth, Grid.of(prediction.labels)).array)
    chosen = (labels > 0) | (truth > 0)
    shares = np.asarray(prediction.probabilities.array[chosen], np.float32)
    labels, truth = labels[chosen], truth[chosen]
    for label, classes in (any_of or {}).items():
        # The truth calls them one: so sure is the network that it is one of them.
        own = sorted({int(label), *map(int, classes)})
        together = shares[:, own].sum(-1)
        shares[:, own] = 0
        shares[:, int(label)] = together
        labels[np.isin(labels, own)] = int(label)
    sure = shares.max(-1)
    return {
        "expected_calibration_error": expected_calibration_error(
            np.clip(sure, 0, 1), labels == truth
        ),
        "error_detection": error_detection(-sure, labels != truth),
    }


def summary(rows, class_names):
    """Returns the mean of each metric and class over cases, with intervals."""
    labels = [
        k
        for k in range(1, len(class_names))
        if any(row["classes"][k]["true_volume_ml"] > 0 for row in rows)
    ]

    def mean(chosen, value, unit=None):
        people = [row["person"] for row in chosen]
        return mean_over_cases([value(row) for row in chosen], unit, people=people)

    def mean_dice(row):
        return np.mean([row["classes"][k]["dice"] for k in labels if _is_there(row, k)])

    # A case without any of the classes, such as a lesion, has no Dice.
    with_any = [row for row in rows if any(_is_there(row, k) for k in labels)]
    metrics = {"mean_dice": mean(with_any, mean_dice)} if with_any else {}
    for name, key, unit in METRICS:
        for k in labels:
            there = [row for row in rows if _is_there(row, k)]
            entry = mean(there, lambda row, k=k, key=key: row["classes"][k][key], unit)
            metrics[f"{name}_{class_names[k].replace(' ', '_')}"] = entry
    for name in ("expected_calibration_error", "error_detection"):
        there = [row for row in rows if np.isfinite(row.get(name, np.nan))]
        if there:
            metrics[name] = mean(there, lambda row, name=name: row[name])
    return metrics


def _is_there(row, label):
    return row["classes"][label]["true_volume_ml"] > 0


def _beside(tables, name):
    return None if name is None else Path(tables) / name
