"""Feeding data from .nii.gz files, side by side with other ways and libraries.

    python benchmarks/feed.py [--examples 500] [--patches 384] [--cores 2]

Two questions. First the protocol of DLTK's data benchmark, made fair: ten scans of
1 mm, whitened, random crops of 128x224x224 float32 in batches of 5, delivered as
arrays; what must be prepared beforehand stands beside it as `build_s`. Its rows:
medzoo's three modes; TFRecords; and a plain generator that reads, whitens and crops in
one loop. Then a usual pipeline (orient, resample to 1.5 mm, z-score, patches of 96^3,
flip, affine, noise), the same in medzoo, TorchIO (Queue) and MONAI
(PersistentDataset), with as many workers as cores and 8 patches a volume. And how
medzoo's times grow with the number of cases.

Each contender runs in a process of its own, which gives its peak memory. Prints tables
and writes benchmarks/results/feed.json. Needs `pip install ".[bench]"` in a checkout.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from feed_pipelines import PIPELINES, drain, endless
from report import (
    describe_machine,
    hold_to_cores,
    peak_memory_mb,
    results_folder,
    say,
    table,
)

CROP, BATCH = (128, 224, 224), 5
GROWTH = (5, 10, 20, 40)


def main():
    """Measures every contender and writes the results."""
    arguments = parse()
    hold_to_cores(arguments.cores)
    if arguments.only:
        say(json.dumps(measure(arguments)))
        return
    report = {"machine": describe_machine(arguments.cores)}
    with tempfile.TemporaryDirectory() as folder:
        from scans import write_scans

        made = write_scans(Path(folder), max(GROWTH))
        first = first_rows(made, 10)
        report["crops"] = run_all(CROPS, "crops", first, arguments)
        report["pipeline"] = run_all(PIPELINES, "pipeline", first, arguments)
        report["growth"] = {
            count: run_one(
                "growth", "medzoo cached", first_rows(made, count), arguments
            )
            for count in GROWTH
        }
    add_ratios(report)
    show(report)
    text = json.dumps(report, indent=1) + "\n"
    (results_folder() / "feed.json").write_text(text, encoding="utf-8")


def parse():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--patches", type=int, default=384)
    parser.add_argument("--cores", type=int, default=2)
    # What a process of its own measures.
    parser.add_argument("--question", help=argparse.SUPPRESS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def first_rows(cases, count):
    """A table of the first cases, beside the whole one."""
    lines = cases.read_text(encoding="utf-8").splitlines()
    path = cases.with_name(f"first_{count}.csv")
    path.write_text("\n".join(lines[: count + 1]), encoding="utf-8")
    return path


def run_all(contenders, question, cases, arguments):
    """Name -> what was measured, a process each."""
    return {name: run_one(question, name, cases, arguments) for name in contenders}


def run_one(question, name, cases, arguments):
    """Measures one contender in a process of its own."""
    command = [sys.executable, __file__, "--question", question, "--only", name]
    command += ["--cases", str(cases), "--cores", str(arguments.cores)]
    command += ["--examples", str(arguments.examples)]
    command += ["--patches", str(arguments.patches)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.stderr.write(run.stderr[-2000:])
        raise SystemExit(f"{question}, {name} failed")
    found = json.loads(run.stdout.splitlines()[-1])
    say(f"{question:10} {name:24} {found}")
    return found


def measure(arguments):
    """In a process of its own: seconds, rate and peak memory of one contender."""
    contenders = {"crops": CROPS, "pipeline": PIPELINES, "growth": PIPELINES}
    make = contenders[arguments.question][arguments.only]
    found = {}

    def run():
        with tempfile.TemporaryDirectory() as folder:
            found.update(make(arguments, Path(folder)))

    # Libraries first: they are no part of what a contender holds.
    import tensorflow  # noqa: F401

    import medzoo

    # Importing layers imports keras.
    medzoo.layers.ZScore()
    peak = peak_memory_mb(run)
    return {**found, "peak_memory_mb": peak}


def crops_of(mode):
    """Returns a contender: a `PatchFeed` in a mode."""

    def contender(arguments, folder):
        feed = crop_feed(arguments, mode, folder if mode == "cached" else None)
        start = time.perf_counter()
        feed.build()
        built = time.perf_counter() - start
        return crop_result(endless(feed), arguments, built)

    return contender


def crop_feed(arguments, mode, folder):
    """Crops of whitened volumes; one of each an epoch, as in DLTK."""
    import medzoo

    return medzoo.PatchFeed(
        arguments.cases,
        mode=mode,
        folder=folder,
        layers=[medzoo.layers.ZScore()],
        patch_size=CROP,
        patches_per_volume=1,
        volumes_at_once=2,
        batch_size=BATCH,
        workers=arguments.cores,
    )


def crop_result(batches, arguments, built):
    """Times the delivery of the examples."""
    seconds, taken, size = drain(batches, arguments.examples)
    return {
        "build_s": round(built, 2),
        "seconds": round(seconds, 3),
        "examples": taken,
        "examples_per_s": round(taken / seconds, 2),
        "gb_per_s": round(size / seconds / 1e9, 3),
    }


def crops_of_tfrecords(arguments, folder):
    """TFRecords of the prepared volumes, cropped by tf.data."""
    import medzoo

    feed = crop_feed(arguments, "memory", None)
    start = time.perf_counter()
    medzoo.write_tfrecords(feed, folder, num_shards=arguments.cores)
    built = time.perf_counter() - start
    data = medzoo.read_tfrecords(folder, patch_size=CROP, workers=arguments.cores)
    data = data.map(lambda record: record["image"]).repeat().batch(BATCH)
    return crop_result(data.prefetch(1).as_numpy_iterator(), arguments, built)


def crops_of_a_generator(arguments, folder):
    """What one would write first: read, whiten and crop in a loop."""
    import csv

    import nibabel
    import numpy as np

    with arguments.cases.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    generator = np.random.default_rng(0)

    def batches():
        batch = []
        while True:
            for row in rows:
                path = arguments.cases.parent / row["t1"]
                image = np.asarray(nibabel.load(path).dataobj).astype(np.float32)
                image = (image - image.mean()) / image.std()
                room = np.subtract(image.shape, CROP) + 1
                start = generator.integers(0, room)
                part = tuple(slice(a, a + n) for a, n in zip(start, CROP, strict=True))
                batch.append(image[part][..., None])
                if len(batch) == BATCH:
                    yield np.stack(batch)
                    batch = []

    # It is the slowest by far: a fifth of the examples says as much.
    arguments.examples = max(BATCH, arguments.examples // 5)
    return crop_result(batches(), arguments, 0.0)


CROPS = {
    "medzoo memory": crops_of("memory"),
    "medzoo cached": crops_of("cached"),
    "medzoo streamed": crops_of("streamed"),
    "TFRecords": crops_of_tfrecords,
    "plain generator": crops_of_a_generator,
}


def add_ratios(report):
    """Times of the crops over those of memory; rates over those of the peers."""
    crops, pipeline = report["crops"], report["pipeline"]
    memory = crops["medzoo memory"]["examples_per_s"]
    for row in crops.values():
        row["times_memory"] = round(memory / row["examples_per_s"], 2)
    for row in pipeline.values():
        for key, peer in (("torchio", "TorchIO Queue"), ("monai", "MONAI Persistent")):
            name = next(n for n in pipeline if n.startswith(peer))
            rate = pipeline[name]["patches_per_s"]
            row[f"times_{key}"] = round(row["patches_per_s"] / rate, 2)


def show(report):
    """Prints the report as tables."""
    say(f"{report['machine']['cores']} cores, {report['machine']['cpu']}")
    columns = ("build_s", "seconds", "examples_per_s", "gb_per_s", "times_memory")
    table("crops, DLTK", report["crops"], (*columns, "peak_memory_mb"))
    columns = ("build_s", "first_s", "patches_per_s", "times_torchio", "times_monai")
    table("pipeline", report["pipeline"], (*columns, "peak_memory_mb"))
    columns = ("build_s", "patches_per_s", "peak_memory_mb")
    rows = {f"{count} cases": row for count, row in report["growth"].items()}
    table("medzoo cached", rows, columns)


if __name__ == "__main__":
    main()
