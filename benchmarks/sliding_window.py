"""One network over one volume in windows, side by side with MONAI.

    python benchmarks/sliding_window.py [--shape 160 192 160] [--window 64]

MONAI's residual UNet (16 to 256 channels) and the same rebuilt in Keras with its
weights; windows overlap by half and count by a Gaussian. Each library blends with what
it has for it: `monai.inferers.sliding_window_inference`, and `sliding_window` with each
engine. Windows at once are tried first, for each contender alike, and the fastest
number is taken. Then all take turns, a volume each. Answers are compared with MONAI's:
logits in float32. Peak memory is of a process for each, over libraries and case.
Prints a table and writes benchmarks/results/sliding_window.json. Needs
`pip install ".[bench]"` in a checkout.
"""

import argparse
import importlib.util
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

REFERENCE = "MONAI, float32"
ENGINES = {
    "medzoo keras, float32": ("keras", "float32"),
    "medzoo openvino, float32": ("openvino", "float32"),
    "medzoo openvino, bfloat16": ("openvino", "bfloat16"),
}
BATCHES = (1, 2, 4)
OVERLAP = 0.5


def main():
    """Measures all contenders and writes the results."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    if arguments.memory:
        name, batch_size = arguments.memory.rsplit(":", 1)
        say(json.dumps(peak_memory(name, int(batch_size), arguments)))
        return
    measured_on = describe_machine(arguments.cores)
    rows = {norm: measure(norm, arguments) for norm in arguments.norms}
    report = {
        "shape": arguments.shape,
        "window": arguments.window,
        "overlap": OVERLAP,
        "repeats": arguments.repeats,
        "machine": measured_on,
        "normalisation": rows,
    }
    show(report)
    path = arguments.output or results_folder() / "sliding_window.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parse():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", type=int, nargs=3, default=(160, 192, 160))
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument(
        "--norms", nargs="+", default=("instance", "batch"), help="of the network"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, help="of the JSON file")
    parser.add_argument("--memory", metavar="CONTENDER:BATCH", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(norm, arguments):
    """Name -> what was measured of it, for a network with one normalisation."""
    contenders = make_contenders(norm, arguments)
    volume = make_volume(arguments.shape)
    # Eight windows, to try how many at once are best.
    few = make_volume((3 * arguments.window // 2,) * 3)
    one = make_volume((arguments.window,) * 3)
    alone = {name: run(one, 1) for name, run in contenders.items()}
    rows, runs = {}, {}
    for name, run in contenders.items():
        tried = {size: best_try(run, few, size) for size in BATCHES}
        size = min(tried, key=tried.get)
        rows[name] = {"windows_at_once": size, "tried_s": tried}
        runs[name] = (run, size)
    answers, times = {}, {name: [] for name in runs}
    for _ in range(arguments.repeats):
        for name, (run, size) in runs.items():
            start = time.perf_counter()
            answers[name] = run(volume, size)
            times[name].append(time.perf_counter() - start)
    for name, row in rows.items():
        row["median_s"] = statistics.median(times[name])
        row["of_monai"] = row["median_s"] / statistics.median(times[REFERENCE])
        row["differs_in_a_window"] = largest(alone[name] - alone[REFERENCE])
        row["differs_when_blended"] = largest(answers[name] - answers[REFERENCE])
        row["same_class"] = float(
            (answers[name].argmax(-1) == answers[REFERENCE].argmax(-1)).mean()
        )
        row["times_s"] = [round(seconds, 4) for seconds in times[name]]
        row["peak_memory_mb"] = memory_of(name, runs[name][1], norm, arguments)
    return rows


def largest(difference):
    """The largest absolute value."""
    return float(abs(difference).max())


def make_volume(shape):
    """`(x, y, z, 1)` float32: noise, of which every window is full."""
    import numpy as np

    return np.random.default_rng(0).normal(size=(*shape, 1)).astype(np.float32)


def make_contenders(norm, arguments):
    """Name -> function of a volume and windows at once, giving logits."""
    from unet_from_monai import monai_unet, rebuilt

    network = monai_unet(norm)
    contenders = {REFERENCE: monai_contender(network, arguments)}
    model = rebuilt(network)
    for name, (engine, precision) in ENGINES.items():
        if engine == "keras" or importlib.util.find_spec(engine):
            contenders[name] = medzoo_contender(model, engine, precision, arguments)
    return contenders


def monai_contender(network, arguments):
    """MONAI's inferer on as many threads as cores."""
    import numpy as np
    import torch
    from monai.inferers import sliding_window_inference

    torch.set_num_threads(arguments.cores)

    def run(volume, batch_size):
        image = torch.from_numpy(np.moveaxis(volume, -1, 0)[None].copy())
        with torch.inference_mode():
            found = sliding_window_inference(
                image,
                (arguments.window,) * 3,
                batch_size,
                network,
                overlap=OVERLAP,
                mode="gaussian",
            )
        return np.moveaxis(found[0].numpy(), 0, -1)

    return run


def medzoo_contender(model, engine, precision, arguments):
    """The windows of medzoo with one of its engines."""
    from medzoo.inference import sliding_window
    from medzoo.inference.engine import engine_of

    answer = engine_of(model, name=engine, precision=precision)

    def run(volume, batch_size):
        return sliding_window(
            answer,
            volume,
            window_size=(arguments.window,) * 3,
            overlap=OVERLAP,
            batch_size=batch_size,
        )

    return run


def best_try(run, volume, batch_size):
    """Seconds of the quicker of two calls after a first one."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        run(volume, batch_size)
        seconds.append(time.perf_counter() - start)
    return round(min(seconds[1:]), 4)


def memory_of(name, batch_size, norm, arguments):
    """Peak memory of one contender over what it holds before, MB."""
    command = [sys.executable, __file__, "--memory", f"{name}:{batch_size}"]
    command += ["--shape", *map(str, arguments.shape), "--norms", norm]
    command += ["--window", str(arguments.window), "--cores", str(arguments.cores)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def peak_memory(name, batch_size, arguments):
    """In a process of its own: libraries and volume there, a volume done."""
    run = make_contenders(arguments.norms[0], arguments)[name]
    volume = make_volume(arguments.shape)
    return peak_memory_mb(lambda: run(volume, batch_size))


def show(report):
    """Prints the report as tables."""
    machine = report["machine"]
    shape = " x ".join(map(str, report["shape"]))
    say(f"{shape} voxels, {machine['cores']} cores, {machine['cpu']}")
    columns = ("windows_at_once", "median_s", "of_monai", "peak_memory_mb")
    for norm, rows in report["normalisation"].items():
        table(f"{norm} normalisation", rows, columns)
        for name, row in rows.items():
            say(
                f"  {name}: logits differ by {row['differs_in_a_window']:.1e} at most, "
                f"{row['differs_when_blended']:.1e} when blended; class alike in "
                f"{row['same_class']:.5f}"
            )


if __name__ == "__main__":
    main()
