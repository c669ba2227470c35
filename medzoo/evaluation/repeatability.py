"""Repeatability: how far predictions of scans of one head differ."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from medzoo.batch.predictor import CaseError, Predictor
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.evaluation.case_means import mean_over_cases
from medzoo.evaluation.tasks import TASKS
from medzoo.io import read
from medzoo.progress import Progress
from medzoo.spatial import Grid, resample_to
from medzoo.spatial.resample import resample

# Of the 99th percentile of the scan.
NOISE = 0.03
# Not a whole number of usual voxels.
SHIFT_MM = 0.7
COARSER = 1.25


def noisy(volume, generator):
    """Returns the scan with Gaussian noise of 3 % where it is not 0."""
    array = np.asarray(volume.array, np.float32)
    deviation = NOISE * float(np.percentile(array, 99))
    drawn = generator.normal(0, deviation, array.shape).astype(np.float32)
    return volume.with_array(np.where(array != 0, np.maximum(array + drawn, 0), 0))


def moved(volume, generator):
    """Returns the scan sampled 0.7 mm further along each axis."""
    grid = Grid.of(volume)
    affine = np.array(grid.affine)
    affine[:3, 3] += affine[:3, :3] @ (SHIFT_MM / np.asarray(volume.spacing))
    return resample_to(volume, Grid(grid.shape, affine))


def coarser(volume, generator):
    """Returns the scan with voxels longer by a quarter."""
    return resample(volume, [s * COARSER for s in volume.spacing])


VARIATIONS = {"noise": noisy, "shift": moved, "coarser_voxels": coarser}


def measure_repeatability(predict, cases, *, seed=0, progress=None):
    """Predicts every scan as it is and changed in ways that should not matter.

    Scans of one person (`Case.person`) are compared with each other too.

    Args:
        predict: callable, `Case` -> `Prediction`, raising `CaseError`; the images of a
            case may be Volumes.
        cases: list of `Case`.
        seed: int, of the noise.
        progress: callable `(done, total)` or None.

    Returns:
        dict of "noise", "shift", "coarser_voxels" and, where there are such, "two
        scans of one person" -> dict of measure -> `{"value", "ci95", "n", "unit"}`:
        mean absolute differences of a value, of a probability (and how often the label
        changes), or of volumes, in percent.

    Raises:
        InputError: if no case can be predicted.
    """
    generator = np.random.default_rng(seed)
    found = {name: [] for name in VARIATIONS}
    people = {}
    for done, case in enumerate(cases, 1):
        scans = {name: read(path) for name, path in case.images.items()}
        try:
            usual = predict(replace(case, images=scans))
            for name, change in VARIATIONS.items():
                changed = {k: change(scan, generator) for k, scan in scans.items()}
                changed_prediction = predict(replace(case, images=changed))
                off = _differences(usual, changed_prediction)
                found[name].append((case.person, off))
        except CaseError:
            continue
        finally:
            if progress is not None:
                progress(done, len(cases))
        people.setdefault(case.person, []).append(usual)
    pairs = [
        (person, _differences(*pair))
        for person, own in people.items()
        for pair in combinations(own, 2)
    ]
    if pairs:
        found["two scans of one person"] = pairs
    found = {name: rows for name, rows in found.items() if rows}
    if not found:
        raise InputError(
            "Repeatability needs at least one scan that can be predicted. "
            f"Received: {len(cases)} cases, none with a prediction."
        )
    return {name: _means(rows) for name, rows in found.items()}


def measure_repeats(files, table, *, threads=None):
    """Measures how far predictions of scans of one head differ.

    Args:
        files: `CheckedModel`.
        table: path of a cases.csv; scans of one person share a column `subject`.
        threads: int or None, CPU threads at most.

    Returns:
        dict of `repeatability`, see `measure_repeatability`.
    """
    recipe = files.recipe.to_dict()
    cases = read_cases(table, recipe["channels"], columns=["subject"])
    predictor = Predictor(files, threads=threads)
    usable = [case for case in cases if case.images]
    with Progress(len(usable), "cases") as progress:
        found = measure_repeatability(
            predictor.prediction, usable, progress=lambda done, _: progress(done)
        )
    return {"repeatability": found}


def _means(rows):
    found = {}
    for name in dict.fromkeys(key for _, row in rows for key in row):
        there = [(person, row[name]) for person, row in rows if name in row]
        values = [value for _, (value, _) in there]
        unit = there[0][1][1]
        found[name] = mean_over_cases(values, unit, people=[who for who, _ in there])
    return found


def _differences(first, second):
    return TASKS[first.task].differences(first, second)
