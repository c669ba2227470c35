"""What one prediction costs: seconds and memory, and what engines change."""

import sys
import tempfile
import time
from pathlib import Path

from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.evaluation.tasks import TASKS
from medzoo.inference.engine import PRECISIONS, check_engine
from medzoo.inference.settings import Settings

ATLAS = "ixi_t1_4mm"
# mm, of the brain whose prediction is timed.
SPACING = 1.0


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
        first, how far the prediction is from that of Keras, see
        `medzoo.evaluation.task_evaluation`. Empty where Keras is the only engine, or
        the case cannot be predicted.
    """
    if not _is_installed("openvino"):
        return {}
    found, usual, given = {}, None, predictor.settings
    with tempfile.TemporaryDirectory() as folder:
        case = case or _average_brain(predictor, Path(folder))
        for engine, precision in _engines():
            predictor.settings = Settings(engine=engine, precision=precision)
            try:
                seconds, prediction = _timed(predictor, case)
            except CaseError:
                continue
            finally:
                predictor.settings = given
            usual = usual or prediction
            entry = {"seconds_per_scan": seconds}
            if prediction is not usual:
                entry |= TASKS[usual.task].engine_difference(prediction, usual)
            found[f"{engine} {precision}"] = entry
    return found


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
    prediction = predictor.prediction(case)
    return round(time.perf_counter() - started, 2), prediction


def _average_brain(predictor, folder):
    """A case with the atlas' brain at 1 mm, coarser for a model that refines."""
    from medzoo.io import write
    from medzoo.spatial import Grid, atlas, resample_to
    from medzoo.volume import Volume

    found = atlas(ATLAS)
    brain = Volume(found.brain, found.grid.affine)
    path = folder / "average.nii.gz"
    write(resample_to(brain, Grid.of(brain).around(SPACING)), path)
    case = Case("average", {predictor.channels[0]["name"]: path})
    recipe = predictor.recipe.to_dict()
    return TASKS[recipe["task"]](recipe).input_case(case, folder)


def peak_memory_gb():
    """Returns the most memory that this process has held so far, in GB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)
