"""How time and memory of a prediction in windows grow, and whether as they should.

    python benchmarks/growth.py [--quick]

A small network (two convolutions, so that what stands around it shows) over volumes
made of noise: against the number of voxels, the size of windows and the number of
classes, one at a time. Labels are kept and probabilities are not. Each point is a
process of its own: the peak memory of a first run over what was held before, and the
median time of three more, beside what the memory plan says without its allowance
for a network. Slopes of a straight line through logarithms say how things grow: 1 is
linear. One more point is as large as a CT of the abdomen, 512x512x600 with 14 classes.
Against the number of cases the build of a cache is drawn, as feed.py measured it.
Writes benchmarks/results/growth.json and growth.png. Needs
`pip install ".[bench]"` in a checkout (matplotlib draws).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import (
    describe_machine,
    hold_to_cores,
    peak_memory_mb,
    results_folder,
    say,
    table,
)

# What stays the same while something else grows.
USUAL = {"shape": (160, 160, 160), "window": 64, "classes": 8}
REPEATS = 3
LARGEST = {"shape": (512, 512, 600), "window": 128, "classes": 14, "repeats": 1}


def main():
    """Measures all curves, writes and draws them."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    if arguments.point:
        say(json.dumps(measure_point(**json.loads(arguments.point))))
        return
    measured_on = describe_machine(arguments.cores)
    curves = {
        name: [point_of({**USUAL, **point}, arguments) for point in points]
        for name, points in curves_of(arguments.quick).items()
    }
    report = {"machine": measured_on, "usual": USUAL, "curves": curves}
    if not arguments.quick:
        report["largest"] = point_of(LARGEST, arguments)
        # Of this kind of processor; without it there is no such curve.
        feed = results_folder() / "feed.json"
        if feed.is_file():
            curves["cases"] = over_cases(json.loads(feed.read_text(encoding="utf-8")))
    report["slopes"] = {name: slopes(name, rows) for name, rows in curves.items()}
    show(report)
    folder = arguments.output or results_folder()
    path = folder / "growth.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw(report, folder / "growth.png")


def parse():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small and soon done")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, help="folder of the results")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    return parser.parse_args()


def curves_of(quick=False):
    """Name of what grows -> list of what differs from `USUAL`."""
    if quick:
        return {
            "voxels": [{"shape": (32, 32, n)} for n in (64, 128)],
            "window": [{"shape": (32, 32, 64), "window": w} for w in (16, 32)],
            "classes": [{"shape": (32, 32, 64), "classes": k} for k in (2, 8)],
        }
    return {
        "voxels": [{"shape": (n, n, n)} for n in (96, 128, 192, 288)],
        "window": [{"window": w} for w in (32, 48, 64, 96, 128)],
        "classes": [{"classes": k} for k in (2, 4, 8, 16, 32)],
    }


def point_of(settings, arguments):
    """Measures one point in a process of its own."""
    command = [sys.executable, __file__, "--point", json.dumps(settings)]
    command += ["--cores", str(arguments.cores)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return {**settings, **json.loads(run.stdout.splitlines()[-1])}


def over_cases(measured):
    """Seconds to build a cache, and the peak memory of building and using it.

    Args:
        measured: dict, what feed.py wrote.
    """
    return [
        {
            "cases": int(count),
            "seconds": row["build_s"],
            "peak_memory_mb": row["peak_memory_mb"],
            "planned_mb": None,
        }
        for count, row in measured["growth"].items()
    ]


def measure_point(shape, window, classes, repeats=REPEATS):
    """Seconds, peak memory and planned memory of one prediction."""
    import numpy as np

    from medzoo.inference.memory_plan import MemoryPlan
    from medzoo.inference.segmentation import segment

    x = np.random.default_rng(0).normal(size=(*shape, 1)).astype(np.float32)
    arguments = {"window_size": [window] * 3, "overlap": 0.25, "batch_size": 1}
    recipe = {
        "class_names": [f"class {number}" for number in range(classes)],
        "postprocessing": [{"step": "sliding_window", "arguments": arguments}],
    }
    model = small_network(classes)

    def run():
        segment(model, x, recipe, entropy=False)

    # One window, so that the network is compiled; then the peak of a first whole run.
    segment(model, x[:window, :window, :window], recipe, entropy=False)
    peak = peak_memory_mb(run)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    sizes = tuple(max(n, window) for n in shape)
    plan = MemoryPlan(sizes, x.nbytes, (window,) * 3, 1, classes, 1, 1)
    return {
        "voxels": int(np.prod(shape)),
        "seconds": statistics.median(seconds),
        "peak_memory_mb": peak,
        "planned_mb": round((plan.total - x.nbytes) / 2**20),
    }


def small_network(classes):
    """A Keras model of two convolutions."""
    import keras

    inputs = keras.Input((None, None, None, 1))
    x = keras.layers.Conv3D(8, 3, padding="same", activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Conv3D(classes, 1)(x))


def slopes(name, rows):
    """Slope of seconds and of planned memory against what grows, in logarithms."""
    import numpy as np

    x = np.log([row[name] for row in rows])
    return {
        key: round(float(np.polyfit(x, np.log([row[key] for row in rows]), 1)[0]), 2)
        for key in ("seconds", "planned_mb")
        if rows[0][key] is not None
    }


def show(report):
    """Prints the report as tables."""
    for name, rows in report["curves"].items():
        slope = report["slopes"][name]
        title = f"{name} (slope of time {slope['seconds']})"
        columns = ("seconds", "peak_memory_mb", "planned_mb")
        table(title, {str(row[name]): row for row in rows}, columns)
    if "largest" in report:
        table("as large as a CT", {"512x512x600": report["largest"]}, columns)


def draw(report, path):
    """Draws a column for each curve: time above, memory below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    curves = report["curves"]
    figure, axes = pyplot.subplots(2, len(curves), figsize=(4 * len(curves), 6))
    for column, (name, rows) in zip(axes.T, curves.items(), strict=True):
        x = [row[name] for row in rows]
        column[0].plot(x, [row["seconds"] for row in rows], "o-", color="C0")
        for key, style in (("peak_memory_mb", "o-"), ("planned_mb", "x--")):
            known = [row[key] if row[key] is not None else float("nan") for row in rows]
            label = key.removesuffix("_mb").replace("_", " ")
            column[1].plot(x, known, style, label=label)
        column[0].set_ylabel("seconds")
        column[1].set_ylabel("memory, MB")
        column[1].set_xlabel(name)
        column[1].legend()
        for axis in column:
            axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
