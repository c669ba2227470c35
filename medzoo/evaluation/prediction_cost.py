"""What one prediction costs: seconds and memory, and what engines change."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.inference.engine import PRECISIONS, check_engine
from medzoo.inference.settings import Settings

ATLAS = "ixi_t1_4mm"


def cost_of(predictor, case=None):
    """Measures one warm prediction, from the file to the result.

    Args:
        predictor: `Predictor`.
        case: `Case`, or None for an average brain at 1 mm.

    Returns:
        dict of `seconds_per_scan` and `peak_memory_gb`, the most that the process has
        held so far; empty where the case cannot be predicted.
    """
    with tempfile.TemporaryDirectory() as folder:
        case = case or _average_brain(predictor, Path(folder))
        try:
            seconds, _ = _timed(predictor, case)
        except CaseError:
            return {}
    return {"seconds_per_scan": seconds, "peak_memory_gb": peak_memory_gb()}


def engines_of(predictor, case=None):
    """Measures one warm prediction with each engine that is installed.

    Args:
        predictor: `Predictor`; its settings are as before afterwards.
        case: `Case`, or None for an average brain at 1 mm.

    Returns:
        dict of "engine precision" -> dict of `seconds_per_scan` and, of all but the
        first, how far the answer is from that of Keras, see `difference`. Empty where
        Keras is the only engine, or the case cannot be predicted.
    """
    if not _is_installed("openvino"):
        return {}
    found, usual, given = {}, None, predictor.settings
    with tempfile.TemporaryDirectory() as folder:
        case = case or _average_brain(predictor, Path(folder))
        for engine, precision in _engines():
            predictor.settings = Settings(engine=engine, precision=precision)
            try:
                seconds, answer = _timed(predictor, case)
            except CaseError:
                continue
            finally:
                predictor.settings = given
            usual = usual or answer
            entry = {"seconds_per_scan": seconds}
            if answer is not usual:
                entry |= difference(answer, usual)
            found[f"{engine} {precision}"] = entry
    return found


def difference(answer, usual):
    """Returns how far two predictions for one scan lie apart.

    Args:
        answer: `Prediction`.
        usual: `Prediction` of the same model.

    Returns:
        dict: of a segmentation `other_labels`, the share of the voxels in which the
        label differs, of those that have one in either; else `largest_difference`,
        `mean_difference` and their `unit`: that of a value, "probability", or "share
        of the range" of an image's intensities.
    """
    if usual.labels is not None:
        one, other = answer.labels.array, usual.labels.array
        some = np.count_nonzero((one > 0) | (other > 0))
        share = np.count_nonzero(one != other) / max(1, some)
        return {"other_labels": float(share)}
    if usual.image is not None:
        one, other = answer.image.array, usual.image.array
        unit, scale = "share of the range", float(np.ptp(other)) or 1.0
    elif usual.label is not None:
        one, other = (list(p.probabilities.values()) for p in (answer, usual))
        unit, scale = "probability", 1.0
    else:
        one, other, unit, scale = answer.value, usual.value, usual.unit, 1.0
    apart = np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)) / scale
    return {
        "largest_difference": float(apart.max()),
        "mean_difference": float(apart.mean()),
        "unit": unit,
    }


def _engines():
    return [(name, p) for name, precisions in PRECISIONS.items() for p in precisions]


def _is_installed(engine):
    try:
        check_engine(engine)
    except InputError:
        return False
    return True


def _timed(predictor, case):
    # The first one compiles.
    predictor.prediction(case)
    started = time.perf_counter()
    answer = predictor.prediction(case)
    return round(time.perf_counter() - started, 2), answer


def _average_brain(predictor, folder):
    """A case with the atlas' brain at 1 mm, coarser for a model that refines."""
    from medzoo.io import write
    from medzoo.spatial import Grid, atlas, resample_to
    from medzoo.volume import Volume

    found = atlas(ATLAS)
    brain = Volume(found.brain, found.grid.affine)
    path = folder / "average.nii.gz"
    write(resample_to(brain, Grid.of(brain).around(1.0)), path)
    case = Case("average", {predictor.channels[0]["name"]: path})
    recipe = predictor.recipe.to_dict()
    if recipe["task"] != "super_resolution":
        return case
    from medzoo.evaluation.measure_super_resolution import coarse_case

    return coarse_case(case, recipe, folder)


def peak_memory_gb():
    """Returns the most memory that this process has held so far, in GB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)
