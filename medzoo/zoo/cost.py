"""What one prediction costs: seconds and memory."""

import sys
import tempfile
import time
from pathlib import Path

from medzoo.data.cases import Case
from medzoo.zoo.predict import CaseError

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
            # The first one loads the model and compiles.
            predictor.prediction(case)
            started = time.perf_counter()
            predictor.prediction(case)
        except CaseError:
            return {}
        seconds = round(time.perf_counter() - started, 2)
    return {"seconds_per_scan": seconds, "peak_memory_gb": peak_memory_gb()}


def _average_brain(predictor, folder):
    from medzoo.io import write
    from medzoo.spatial import Grid, atlas, resample_to
    from medzoo.volume import Volume

    found = atlas(ATLAS)
    brain = Volume(found.brain, found.grid.affine)
    path = folder / "average.nii.gz"
    write(resample_to(brain, Grid.of(brain).around(1.0)), path)
    return Case("average", {predictor.channels[0]["name"]: path})


def peak_memory_gb():
    """Returns the most memory that this process has held so far, in GB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)
