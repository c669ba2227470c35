"""Augmentation of one image with its label map, side by side with TorchIO.

    python benchmarks/augmentation.py [--size 128] [--repeats 15] [--cores 2]

Affine, elastic, bias field, noise and gamma, of the same magnitudes, on the same
float32 image and int32 label map. The contenders take turns, a volume each, so that
whatever else the machine does falls on all alike; first calls (compiling, tracing)
stand apart. Then each fills a data pipeline with as many workers as cores. Peak memory,
over what the libraries and the case take, is of a process for each (Linux alone).
Prints tables and writes benchmarks/results/augmentation.json. Needs
`pip install ".[bench]"` in a checkout; KERAS_BACKEND=jax measures the layers under JAX.
"""

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from report import (
    describe_machine,
    hold_to_cores,
    peak_memory_mb,
    results_folder,
    say,
    table,
)

# Degrees; share; voxels; control points; a factor; share of the brightest; logarithm.
ROTATION, SCALE, DISPLACEMENT, POINTS, BIAS, NOISE, GAMMA = (
    10,
    0.1,
    7.5,
    7,
    0.5,
    0.25,
    0.3,
)
REFERENCE = "TorchIO, linear"
# Of the data pipelines, by turns.
ROUNDS = 3


def main():
    """Measures all contenders and writes the results."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    if arguments.memory:
        say(json.dumps(peak_memory(arguments)))
        return
    measured_on = describe_machine(arguments.cores)
    case = make_case(arguments.size)
    contenders = make_contenders(case, arguments.cores)
    rows = {name: {"first_s": timed(run)} for name, run in contenders.items()}
    for name, times in in_turns(contenders, arguments.repeats).items():
        rows[name]["median_s"] = statistics.median(times)
        rows[name]["times_s"] = [round(seconds, 4) for seconds in times]
    for name, row in rows.items():
        row["peak_memory_mb"] = memory_of(name, arguments)
    steps = in_turns(make_steps(case), arguments.repeats)
    pipelines = measure_pipelines(case, arguments)
    add_ratios(rows, "median_s")
    add_ratios(pipelines, "seconds_a_volume")
    report = {
        "size": arguments.size,
        "repeats": arguments.repeats,
        "machine": measured_on,
        "one_volume_after_another": rows,
        "steps_median_s": {k: statistics.median(v) for k, v in steps.items()},
        "data_pipeline": pipelines,
    }
    show(report)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    name = "augmentation" + ("" if backend == "tensorflow" else f"_{backend}")
    path = arguments.output or results_folder() / f"{name}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parse():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=128, help="voxels along each axis")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, help="of the JSON file")
    parser.add_argument("--memory", metavar="CONTENDER", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_case(size):
    """A head-like image in [0, 1] with five labels, its intensities by label."""
    import numpy as np

    axes = [np.linspace(-1, 1, size)] * 3
    radius = np.sqrt(sum(x**2 for x in np.meshgrid(*axes, indexing="ij")))
    labels = np.digitize(radius, [0.3, 0.5, 0.7, 0.9])
    values = np.array([0.9, 0.6, 0.3, 0.7, 0.0])
    noise = np.random.default_rng(0).normal(0, 0.02, labels.shape)
    image = np.clip(values[labels] + noise, 0, 1)
    return image.astype(np.float32), (4 - labels).astype(np.int32)


def make_contenders(case, cores):
    """Name -> function that augments one volume and waits for the result."""
    contenders = medzoo_contenders(case)
    if importlib.util.find_spec("torchio"):
        contenders |= torchio_contenders(case, cores)
    return contenders


def medzoo_steps(fused=False):
    """The layers, affine and elastic in one resampling or in two."""
    from medzoo import layers

    affine = {"rotation": ROTATION, "scale": math.log1p(SCALE)}
    elastic = {
        "displacement": DISPLACEMENT,
        "control_points": POINTS,
        "fixed_border": True,
    }
    return [
        *(
            [layers.RandomSpatial3D(**affine, **elastic)]
            if fused
            else [
                layers.RandomAffine3D(**affine),
                layers.RandomElasticTransform3D(**elastic),
            ]
        ),
        layers.RandomBiasField(BIAS),
        layers.RandomNoise((0, NOISE), foreground=False),
        layers.RandomGamma(GAMMA),
    ]


def torchio_steps(interpolation="linear"):
    """TorchIO's transforms of the same names and magnitudes."""
    import torchio as tio

    return [
        tio.RandomAffine(SCALE, ROTATION, image_interpolation=interpolation),
        tio.RandomElasticDeformation(
            POINTS, DISPLACEMENT, image_interpolation=interpolation
        ),
        tio.RandomBiasField(BIAS),
        tio.RandomNoise(std=(0, NOISE)),
        tio.RandomGamma((-GAMMA, GAMMA)),
    ]


def medzoo_contenders(case):
    """The layers eagerly and compiled."""
    import keras

    import medzoo

    data = medzoo_data(case)
    kinds = {"eager": keras.layers.Pipeline, "compiled": medzoo.CompiledPipeline}
    return {
        f"medzoo, {kind}{', one resampling' if fused else ''}": waiting(
            make(medzoo_steps(fused)), data
        )
        for kind, make in kinds.items()
        for fused in (False, True)
    }


def torchio_contenders(case, cores):
    """TorchIO's default, and the quickest that it can do."""
    import torch
    import torchio as tio

    torch.set_num_threads(cores)
    subject = torchio_subject(case)
    chains = {kind: tio.Compose(torchio_steps(kind)) for kind in ("linear", "nearest")}
    return {
        f"TorchIO, {kind}": partial(chain, subject) for kind, chain in chains.items()
    }


def medzoo_data(case):
    """The case as the layers take it, tensors of the backend."""
    from keras import ops

    image, labels = (ops.convert_to_tensor(array[..., None]) for array in case)
    return {"images": image, "segmentation_masks": labels}


def torchio_subject(case):
    """The case as TorchIO takes it."""
    import torch
    import torchio as tio

    image, labels = (torch.from_numpy(array[None]) for array in case)
    return tio.Subject(
        image=tio.ScalarImage(tensor=image), labels=tio.LabelMap(tensor=labels)
    )


def waiting(function, data):
    """A call that returns when both results are there, not only on their way."""
    import numpy as np

    def run():
        return {key: np.asarray(value) for key, value in function(data).items()}

    return run


def make_steps(case):
    """Name -> function for each step alone, compiled, and for TorchIO's."""
    import medzoo

    data = medzoo_data(case)
    steps = {
        f"medzoo, {type(layer).__name__}": waiting(
            medzoo.CompiledPipeline([layer]), data
        )
        for layer in [*medzoo_steps(fused=True)[:1], *medzoo_steps()]
    }
    if importlib.util.find_spec("torchio"):
        subject = torchio_subject(case)
        for transform in torchio_steps():
            name = f"TorchIO, {type(transform).__name__}"
            steps[name] = partial(transform, subject)
    return steps


def in_turns(contenders, repeats):
    """Seconds of each call; one warm-up each, then all take turns."""
    times = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(repeats):
        for name, run in contenders.items():
            times[name].append(timed(run))
    return times


def timed(run):
    """Seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure_pipelines(case, arguments):
    """Name -> first seconds, and seconds a volume of a filled pipeline, by turns."""
    pipelines = make_pipelines(case, arguments)
    rounds = {name: [] for name in pipelines}
    for _ in range(ROUNDS):
        for name, volumes in pipelines.items():
            rounds[name].append(fill(iter(volumes), arguments))
    return {
        name: {
            "first_s": measured[0][0],
            "seconds_a_volume": statistics.median(seconds for _, seconds in measured),
            "rounds_s": [round(seconds, 4) for _, seconds in measured],
        }
        for name, measured in rounds.items()
    }


def make_pipelines(case, arguments):
    """Name -> volumes without end, or enough of them; under TensorFlow alone."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return {}
    pipelines = {
        f"medzoo in tf.data, {kind}{', one resampling' if fused else ''}": (
            tf_data_pipeline(case, arguments.cores, kind, fused)
        )
        for kind in ("layers", "compiled")
        for fused in (False, True)
    }
    if importlib.util.find_spec("torchio"):
        pipelines[REFERENCE] = torch_pipeline(case, arguments)
    return pipelines


def tf_data_pipeline(case, cores, kind, fused):
    """`Dataset.map` with as many parallel calls as cores."""
    import keras
    import tensorflow as tf

    import medzoo

    make = medzoo.CompiledPipeline if kind == "compiled" else keras.layers.Pipeline
    data = tf.data.Dataset.from_tensors(medzoo_data(case)).repeat()
    data = data.map(make(medzoo_steps(fused)), num_parallel_calls=cores)
    return data.prefetch(1)


def torch_pipeline(case, arguments):
    """`DataLoader` with as many worker processes as cores."""
    import torch
    import torchio as tio

    count = 2 * arguments.cores + arguments.repeats
    subjects = tio.SubjectsDataset(
        [torchio_subject(case)] * count, transform=tio.Compose(torchio_steps())
    )
    return torch.utils.data.DataLoader(
        subjects, batch_size=None, num_workers=arguments.cores
    )


def fill(volumes, arguments):
    """Seconds of the first volumes, two a worker; then seconds a volume."""
    start = time.perf_counter()
    for _ in range(2 * arguments.cores):
        next(volumes)
    filled = time.perf_counter()
    for _ in range(arguments.repeats):
        next(volumes)
    return filled - start, (time.perf_counter() - filled) / arguments.repeats


def memory_of(name, arguments):
    """Peak memory of one contender over what it holds before, MB."""
    command = [sys.executable, __file__, "--memory", name]
    command += ["--size", str(arguments.size), "--cores", str(arguments.cores)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def peak_memory(arguments):
    """In a process of its own: the case and the libraries there, three volumes."""
    case = make_case(arguments.size)
    contenders = (
        torchio_contenders(case, arguments.cores)
        if arguments.memory.startswith("TorchIO")
        else medzoo_contenders(case)
    )
    run = contenders[arguments.memory]
    return peak_memory_mb(lambda: [run() for _ in range(3)])


def add_ratios(rows, key):
    """How many times as fast as TorchIO with its defaults each is."""
    if REFERENCE in rows:
        for row in rows.values():
            row["times_torchio"] = rows[REFERENCE][key] / row[key]


def show(report):
    """Prints the report as tables."""
    size, cores = report["size"], report["machine"]["cores"]
    say(f"Image and label map of {size}^3, {cores} cores, {report['machine']['cpu']}")
    table(
        "one volume after another",
        report["one_volume_after_another"],
        ("first_s", "median_s", "times_torchio", "peak_memory_mb"),
    )
    if report["data_pipeline"]:
        columns = ("first_s", "seconds_a_volume", "times_torchio")
        table("data pipeline", report["data_pipeline"], columns)
    steps = report["steps_median_s"].items()
    table(
        "steps (medzoo: compiled)",
        {name: {"median_s": median} for name, median in steps},
        ("median_s",),
    )


if __name__ == "__main__":
    main()
