"""The networks of the zoo by each engine: seconds of the network alone, differences.

    python benchmarks/engines.py [--models NAME ...] [--repeats 5] [--cores 2]
        [--size 96]

Each network answers the same random batch, as large as in a prediction: what the model
fixes, or a window of `--size`^3 (super-resolution: two thirds of it). Engines take
turns, so that whatever else the machine does falls on all alike; the first call
(tracing, exporting, compiling) stands apart. OpenVINO starts from an empty cache, then
again from the filled one in a process of its own. Differences are from Keras' answer,
as shares of its largest number; of a segmentation also the share of other labels. The
peak memory is of the process. Prints a table and writes
benchmarks/results/engines.json. Needs `pip install ".[openvino]"` in a checkout.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from report import describe_machine, hold_to_cores, results_folder, say, table

ENGINES = (("keras", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"))
COLUMNS = ("first_s", "again_s", "median_s", "times_keras", "largest", "mean")


def main():
    """Measures every model and writes the results."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("MEDZOO_ENGINE_CACHE", cache)
        os.environ["MEDZOO_CACHE"] = os.environ["MEDZOO_ENGINE_CACHE"]
        if arguments.again:
            say(json.dumps(seconds_again(arguments)))
            return
        measured_on = describe_machine(arguments.cores)
        rows = {}
        for name in arguments.models or model_names():
            rows.update(measure(name, arguments))
    report = {
        "machine": measured_on,
        "repeats": arguments.repeats,
        "size": arguments.size,
        "engines": rows,
        "peak_memory_mb": peak_mb(),
    }
    show(report)
    text = json.dumps(report, indent=1) + "\n"
    (results_folder() / "engines.json").write_text(text, encoding="utf-8")


def parse():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", help="names; all of the zoo by default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--again", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def model_names():
    """All models of the zoo."""
    from medzoo.zoo.registry import list_models

    return list_models()


def prepare(name, size):
    """A model, whether it gives probabilities, and a batch of a prediction's size."""
    import numpy as np

    from medzoo.zoo.load import load

    model = load(name)
    task = model.recipe["task"]
    window = 2 * size // 3 if task == "super_resolution" else size
    shape = [window if n is None else n for n in model.input_shape[1:]]
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype("float32")
    return model, task == "segmentation", x


def measure(name, arguments):
    """The rows of one model, by engine."""
    from medzoo.inference.engine import engine_of

    model, softmax, x = prepare(name, arguments.size)
    asks, rows, answers = {}, {}, {}
    for engine, precision in ENGINES:
        row = f"{name}, {engine} {precision}"
        start = time.perf_counter()
        ask = engine_of(model, name=engine, precision=precision, softmax=softmax)
        answers[row] = ask(x)
        rows[row] = {"first_s": time.perf_counter() - start, "times_s": []}
        rows[row]["again_s"] = again(name, engine, precision, arguments)
        asks[row] = ask
    for _ in range(arguments.repeats):
        for row, ask in asks.items():
            start = time.perf_counter()
            ask(x)
            rows[row]["times_s"].append(time.perf_counter() - start)
    compare(rows, answers, softmax)
    return rows


def compare(rows, answers, softmax):
    """Adds medians, ratios and differences from the first row, which is of Keras."""
    import numpy as np

    first = next(iter(rows))
    usual = answers[first]
    for name, row in rows.items():
        row["median_s"] = statistics.median(row["times_s"])
        row["times_keras"] = rows[first].get("median_s", row["median_s"])
        row["times_keras"] /= row["median_s"]
        apart = np.abs(answers[name] - usual) / np.abs(usual).max()
        row["largest"] = f"{apart.max():.1e}"
        row["mean"] = f"{apart.mean():.1e}"
        if softmax:
            other = answers[name].argmax(-1) != usual.argmax(-1)
            row["other_labels"] = f"{other.mean():.1e}"


def again(name, engine, precision, arguments):
    """Seconds of the first call in another process, the cache being filled."""
    command = [sys.executable, __file__, "--again", name, engine, precision]
    command += ["--size", str(arguments.size), "--cores", str(arguments.cores)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def seconds_again(arguments):
    """In a process of its own: the first call, without loading the model."""
    from medzoo.inference.engine import engine_of

    name, engine, precision = arguments.again
    model, softmax, x = prepare(name, arguments.size)
    start = time.perf_counter()
    engine_of(model, name=engine, precision=precision, softmax=softmax)(x)
    return time.perf_counter() - start


def peak_mb():
    """Peak memory of this process, MB."""
    from medzoo.evaluation.prediction_cost import peak_memory_gb

    return round(1000 * peak_memory_gb())


def show(report):
    """Prints the report as a table."""
    cores, cpu = report["machine"]["cores"], report["machine"]["cpu"]
    say(f"Networks alone, {cores} cores, {cpu}; peak {report['peak_memory_mb']} MB")
    table("model, engine", report["engines"], (*COLUMNS, "other_labels"))


if __name__ == "__main__":
    main()
