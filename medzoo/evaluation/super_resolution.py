"""How close super-resolved scans come to the fine ones that were degraded."""

from pathlib import Path

from medzoo.data.cases.case import Case
from medzoo.data.cases.cohort import SOURCE, group_masks
from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.degradation import degrade_volume
from medzoo.data.feeds.upsampling import cubic_b_spline, fill_coarse
from medzoo.errors import InputError
from medzoo.evaluation.case_means import mean_over_cases
from medzoo.evaluation.ridge_upsampling import RidgeUpsampling
from medzoo.evaluation.task_evaluation import ImageEvaluation
from medzoo.inference.super_resolution import super_resolve
from medzoo.io import write
from medzoo.metrics.calibration import spread_quality
from medzoo.metrics.head_psnr import head_mask, head_psnr
from medzoo.preprocess import Preprocessor
from medzoo.spatial.factor_grid import factor_of
from medzoo.volume import Volume

# Slice profiles measured, in coarse voxels; the first is the one of the metrics.
PROFILES = (1.0, 0.7, 1.3)
CUBIC = "cubic B-spline"
RIDGE = "ridge regression from 5^3 coarse voxels"


class SuperResolutionEvaluation(ImageEvaluation):
    """Compares finer images, see `ImageEvaluation`."""

    def measure_cases(self, predictor, cases, *, codes=None, progress=None):
        """See `ImageEvaluation`."""
        return measure_super_resolution(
            predictor.model, self.recipe, cases, progress=progress
        )

    def input_case(self, case, folder):
        """The case with its scan made coarse, as a file."""
        recipe, factor = self.recipe, factor_of(self.recipe)
        preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        path = Path(folder) / "coarse.nii.gz"
        write(degrade_volume(_fine(case, preprocessor, factor), factor), path)
        return Case(case.case_id, {preprocessor.channels[0]: path})


def measure_super_resolution(model, recipe, cases, *, progress=None):
    """Degrades scans, super-resolves them, and compares with what they were.

    The peak signal-to-noise ratio is that of `medzoo.metrics.head_psnr`. Gains are
    differences to cubic B-spline interpolation of the same coarse scan.

    Where the table holds cases of the recipe's validation split, they alone are
    measured and the regression is fitted to the others, source by source, with the
    profile of one coarse voxel; else all are measured, without regression.

    Args:
        model: Keras model of the recipe.
        recipe: dict, the recipe's content.
        cases: list of `Case`; a column `source` names the kind of scan.
        progress: callable `(done, total)` or None.

    Returns:
        dict: `protocol`; `metrics` and, by name, `baselines` over all measured cases
        with a profile one coarse voxel wide; `groups`, by source and width of the
        profile. Each number is `{"value", "ci95", "n", "unit"}`, bootstrapped over
        cases.

    Raises:
        InputError: if no case is left to measure.
    """
    inside, held_out = ([cases[i] for i in part] for part in named_split(cases, recipe))
    measured = held_out or list(cases)
    if not measured:
        raise InputError("A measurement needs cases. Received: none.")
    factor = factor_of(recipe)
    preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
    ridges = _fitted(inside if held_out else [], measured, preprocessor, factor)
    rows = []
    for done, case in enumerate(measured, 1):
        fine = _fine(case, preprocessor, factor)
        ridge = ridges.get(_source(case))
        for width in PROFILES:
            row = _compare(model, recipe, fine, factor, width, ridge)
            columns = {**case.columns, SOURCE: _source(case)}
            row |= {"columns": columns, "width": width, "person": case.person}
            rows.append(row)
        if progress is not None:
            progress(done, len(measured))
    kind = "of the validation split" if held_out else "of the table"
    return {"protocol": _protocol(len(measured), kind), **_summary(rows)}


def _source(case):
    return case.columns.get(SOURCE, "")


def _fine(case, preprocessor, factor):
    """The scan in the recipe's orientation, the voxels that fill coarse ones."""
    placed, _ = preprocessor.place(preprocessor.gather(case.images))
    return Volume(fill_coarse(placed.array[..., 0], factor), placed.affine)


def _fitted(cases, measured, preprocessor, factor):
    """One ridge regression per source; unlike the network it is given the source."""
    ridges = {}
    wanted = {_source(case) for case in measured}
    for case in cases:
        if _source(case) in wanted:
            ridge = ridges.setdefault(_source(case), RidgeUpsampling(factor))
            ridge.add(_fine(case, preprocessor, factor).array)
    return ridges


def _compare(model, recipe, fine, factor, width, ridge):
    coarse = degrade_volume(fine, factor, width)
    # The calibration of its uncertainty is measured where its gain is.
    believed = width == PROFILES[0]
    found = super_resolve(model, coarse.array[..., None], recipe, spread=believed)
    mask = head_mask(fine.array)
    quality = {}
    if believed:
        found, spread = found
        error = (found - fine.array)[mask]
        quality = spread_quality(error, spread[mask])
    cubic = head_psnr(fine.array, cubic_b_spline(coarse.array, factor), mask)
    row = {"psnr": head_psnr(fine.array, found, mask), "cubic": cubic, **quality}
    if ridge is not None:
        row["ridge"] = head_psnr(fine.array, ridge(coarse.array), mask)
    return row


def _protocol(count, kind):
    return (
        f"{count} cases {kind}, degraded with a Gaussian slice profile (full width at "
        "half maximum one coarse voxel on each axis) and decimated with voxel edges "
        "aligned. PSNR over the voxels of the head: brighter than a tenth of the 99th "
        "percentile, and what they enclose; range from the least to the largest "
        "intensity. Gains are over cubic B-spline interpolation."
    )


def _summary(rows):
    main = [row for row in rows if row["width"] == PROFILES[0]]
    baselines = {CUBIC: {"psnr": _mean(main, "cubic")}}
    if all("ridge" in row for row in main):
        baselines[RIDGE] = _metrics(main, "ridge")
    groups = {}
    for source in dict.fromkeys(row["columns"][SOURCE] for row in rows):
        for width in PROFILES:
            of_source = [r for r in rows if r["columns"][SOURCE] == source]
            chosen = [r for r in of_source if r["width"] == width]
            name = f"{source}, profile of {width:g} voxels".removeprefix(", ")
            groups[name] = _metrics(chosen, "psnr")
            if all("ridge" in row for row in chosen):
                groups[name]["ridge_psnr_gain"] = _mean(chosen, "ridge", "cubic")
    people = [{**row["columns"], SOURCE: ""} for row in main]
    for name, mask in group_masks(people).items():
        inside = [row for row, there in zip(main, mask, strict=True) if there]
        groups[name] = {"psnr_gain": _mean(inside, "psnr", "cubic")}
    metrics = _metrics(main, "psnr")
    for name in ("coverage", "rank_correlation"):
        metrics[f"uncertainty_{name}"] = _mean(main, name, unit=None)
    return {"metrics": metrics, "baselines": baselines, "groups": groups}


def _metrics(rows, key):
    return {"psnr_gain": _mean(rows, key, "cubic"), "psnr": _mean(rows, key)}


def _mean(rows, key, minus=None, unit="dB"):
    values = [row[key] - (row[minus] if minus else 0.0) for row in rows]
    return mean_over_cases(values, unit, people=[row["person"] for row in rows])
