"""A step of training: seconds and peak memory by patch size, precision, and more.

    python benchmarks/training_step.py [--cores 2]

The network of mrbrains_tissue_unet and a plain ResidualUNet3D with nine classes, on
random patches: plain, rematerialised (`--rematerialize`), in mixed_bfloat16. Each in a
process of its own; peak memory is over what the libraries take. Then how long the steps
of an epoch wait for their input, augmented patches of made-up scans, with one thread
that makes batches and with two. Prints tables and writes
benchmarks/results/training_step.json; takes a quarter of an hour.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
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

NETWORKS = {
    "tissue": None,
    "U-Net, 9 classes": {"num_classes": 9, "filters": [16, 32, 64, 128]},
}
WAYS = {
    "plain": {},
    "rematerialised": {"rematerialize": True},
    "bfloat16": {"dtype": "mixed_bfloat16"},
    "bfloat16, rematerialised": {"dtype": "mixed_bfloat16", "rematerialize": True},
}
STEPS = 3


def main():
    """Measures all steps and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 96, 128])
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    hold_to_cores(arguments.cores)
    if arguments.only:
        asked = json.loads(arguments.only)
        say(json.dumps((wait if "workers" in asked else measure)(**asked)))
        return
    report = {"machine": describe_machine(arguments.cores), "steps": {}}
    for network in NETWORKS:
        for size in arguments.sizes:
            # The two that say most, at every size; all at the largest.
            chosen = WAYS if size == max(arguments.sizes) else ["plain"]
            for way in chosen:
                asked = {"network": network, "size": size, "way": way}
                found = run(asked, arguments.cores)
                name = f"{network}, {size}^3, {way}"
                report["steps"][name] = found
                say(f"{name}: {found}")
    report["input"] = {
        f"{workers} workers": run({"workers": workers}, arguments.cores)
        for workers in (1, 2)
    }
    table("step", report["steps"], ("first_s", "median_s", "peak_memory_mb"))
    table("epoch of 32 batches", report["input"], ("seconds", "waited_s"))
    text = json.dumps(report, indent=1) + "\n"
    (results_folder() / "training_step.json").write_text(text, encoding="utf-8")


def run(asked, cores):
    """Measures one step in a process of its own."""
    command = [sys.executable, __file__, "--cores", str(cores)]
    command += ["--only", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # Killed for memory, most likely: that is a result too.
        say(done.stderr[-500:])
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def measure(network, size, way):
    """Seconds of the first step (tracing) and of later ones; peak memory of them."""
    import keras
    import numpy as np

    model, channels, classes = build(NETWORKS[network], **WAYS[way])
    generator = np.random.default_rng(0)
    images = generator.normal(size=(1, size, size, size, channels)).astype("float32")
    labels = generator.integers(0, classes, (1, size, size, size))
    targets = np.eye(classes, dtype="float32")[labels]
    model.compile(keras.optimizers.AdamW(1e-3), loss())
    times = []

    def steps():
        for _ in range(1 + STEPS):
            started = time.perf_counter()
            model.train_on_batch(images, targets)
            times.append(time.perf_counter() - started)

    peak = peak_memory_mb(steps)
    return {
        "first_s": round(times[0], 2),
        "median_s": round(statistics.median(times[1:]), 2),
        "peak_memory_mb": peak,
    }


def wait(workers):
    """Seconds of an epoch, and of it those that steps waited for input."""
    import keras
    from scans import write_scans

    import medzoo
    from medzoo.data.feeds.prefetch import Prefetch
    from medzoo.training.epochs import Epochs

    with tempfile.TemporaryDirectory() as folder:
        cases = write_scans(Path(folder), 8, (96, 112, 96), (2.0,) * 3)
        # The head itself as its label map: what is learnt does not matter here.
        rows = cases.read_text(encoding="utf-8").splitlines()
        table = [f"{rows[0]},labels"]
        for row in rows[1:]:
            head = medzoo.read(Path(folder) / row.split(",")[1])
            name = f"{row.split(',')[0]}_labels.nii.gz"
            labels = (head.array > 100).astype("uint8") + (head.array > 450)
            medzoo.write(head.with_array(labels), Path(folder) / name)
            table.append(f"{row},{name}")
        cases.write_text("\n".join(table), encoding="utf-8")
        feed = medzoo.PatchFeed(
            cases,
            labels="labels",
            layers=[medzoo.layers.ZScore()],
            patch_size=64,
            margin=8,
            augmentation=[
                medzoo.layers.RandomSpatial3D(rotation=15, displacement=4),
                medzoo.layers.RandomBiasField(0.2),
                medzoo.layers.RandomNoise(0.1),
            ],
            num_classes=3,
        )
        feed.build()
        model = medzoo.models.ResidualUNet3D((None, None, None, 1), num_classes=3)
        model.compile(keras.optimizers.AdamW(1e-3), loss())
        epochs = Epochs(model, Prefetch(feed, workers))
        # The first compiles; the second is measured.
        epochs.run(0, 2, [])
    return {"seconds": round(epochs.seconds, 1), "waited_s": round(epochs.waited, 2)}


def build(arguments, dtype="float32", rematerialize=False):
    """The network, its number of channels and of classes."""
    import medzoo

    if arguments is None:
        recipe = medzoo.load("mrbrains_tissue_unet", weights=False).recipe
        arguments = recipe["architecture"]["arguments"]
    model = medzoo.models.ResidualUNet3D(**arguments, dtype=dtype)
    model.rematerialize = rematerialize
    return model, model.input_shape[-1], arguments["num_classes"]


def loss():
    """Dice and cross-entropy, as segmentations are trained."""
    import medzoo

    return medzoo.losses.DiceCrossentropy()


if __name__ == "__main__":
    main()
