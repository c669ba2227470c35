"""Whole heads segmented from file to file, stage by stage, with each engine.

    python benchmarks/tissue.py [SCAN.nii.gz ...] [--repeats 3]

`mrbrains_tissue_unet` on a head at 1 mm (the average that medzoo carries, unless scans
are given), warm: the model is loaded and compiled before the clock starts. Each engine
has a process of its own; the median of each stage is printed. Labels are compared with
those of Keras in float32. Peak memory is that of the process from its start, libraries
included. Prints a table a scan and writes benchmarks/results/tissue.json.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import describe_machine, hold_to_cores, results_folder, say, table

MODEL = "mrbrains_tissue_unet"
REFERENCE = "keras, float32"
ENGINES = {
    "keras, float32": ("keras", "float32"),
    "openvino, float32": ("openvino", "float32"),
    "openvino, bfloat16": ("openvino", "bfloat16"),
}
STAGES = ("read", "place", "normalise", "segment", "undo", "write")


def main():
    """Measures all engines and writes the results."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    if arguments.memory:
        say(json.dumps(memory_and_labels(arguments)))
        return
    measured_on = describe_machine(arguments.cores)
    with tempfile.TemporaryDirectory() as folder:
        scans = arguments.scans or [average_head(Path(folder) / "average.nii.gz")]
        rows = {Path(s).name: measure(s, Path(folder), arguments) for s in scans}
    report = {"machine": measured_on, "repeats": arguments.repeats, "scans": rows}
    for name, engines in rows.items():
        table(name, engines, (*STAGES, "together", "same_labels", "peak_memory_gb"))
    path = arguments.output or results_folder() / "tissue.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parse():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scans", nargs="*", type=Path, help="T1, whole or stripped")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, help="of the JSON file")
    parser.add_argument("--memory", metavar="ENGINE", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def average_head(path, spacing=1.0):
    """Writes the average T1 brain of the atlas at a spacing, mm; returns the path."""
    from medzoo.io import write
    from medzoo.spatial import Grid, atlas, resample_to
    from medzoo.volume import Volume

    found = atlas("ixi_t1_4mm")
    brain = Volume(found.brain, found.grid.affine)
    write(resample_to(brain, Grid.of(brain).around(spacing)), path)
    return path


def installed():
    """Names of the engines that can be used here."""
    return [
        name
        for name, (engine, _) in ENGINES.items()
        if engine == "keras" or importlib.util.find_spec(engine)
    ]


def measure(scan, folder, arguments):
    """Engine -> median seconds of each stage, memory, and how labels agree."""
    import numpy as np

    from medzoo.io import read

    rows, labels = {}, {}
    for name in installed():
        result = folder / "result.nii.gz"
        rows[name] = in_a_process(name, scan, result, arguments)
        labels[name] = np.asarray(read(result).array)
    for name, row in rows.items():
        row["same_labels"] = float((labels[name] == labels[REFERENCE]).mean())
    return rows


def in_a_process(name, scan, result, arguments):
    """Measures one engine on one scan, with nothing else in memory."""
    command = [sys.executable, __file__, str(scan), "--memory", name]
    command += ["--result", str(result), "--cores", str(arguments.cores)]
    command += ["--repeats", str(arguments.repeats)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def memory_and_labels(arguments):
    """In a process of its own: the first call aside, then the stages' medians."""
    import medzoo
    from medzoo.evaluation.prediction_cost import peak_memory_gb

    model = medzoo.load(MODEL)
    (scan,), result = arguments.scans, arguments.result
    first = time.perf_counter()
    stages_of(model, scan, result, arguments.memory)
    first = time.perf_counter() - first
    runs = [
        stages_of(model, scan, result, arguments.memory)
        for _ in range(arguments.repeats)
    ]
    row = {stage: statistics.median(run[stage] for run in runs) for stage in STAGES}
    row["together"] = statistics.median(sum(run.values()) for run in runs)
    return {**row, "first_s": first, "peak_memory_gb": peak_memory_gb()}


def stages_of(model, scan, result, name):
    """Seconds of each stage of one segmentation, from file to file."""
    import numpy as np

    from medzoo.inference.engine import engine_of
    from medzoo.inference.segmentation import segment
    from medzoo.io import read, write

    engine, precision = ENGINES[name]
    engine = engine_of(model, name=engine, precision=precision, softmax=True)
    preprocessor = model.preprocessor
    clock = Clock()
    volume = clock("read", lambda: preprocessor.gather({"t1": read(scan)}))
    placed, undo = clock("place", lambda: preprocessor.place(volume))
    x = clock("normalise", lambda: preprocessor.normalize(placed.array[None])[0])
    labels, _, _ = clock(
        "segment", lambda: segment(model, x, model.recipe, engine=engine, entropy=False)
    )
    found = clock("undo", lambda: undo(labels, interpolation="vote"))
    found = found.with_array(found.array.astype(np.uint8))
    clock("write", lambda: write(found, result))
    return clock.seconds


class Clock:
    """Runs stages and notes how long each took."""

    def __init__(self):
        self.seconds = {}

    def __call__(self, stage, run):
        """Returns what `run` returns."""
        start = time.perf_counter()
        found = run()
        self.seconds[stage] = time.perf_counter() - start
        return found


if __name__ == "__main__":
    main()
