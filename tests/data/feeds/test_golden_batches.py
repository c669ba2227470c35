"""The first batches of every task, drawn with fixed seeds: they stay the same."""

import csv
from contextlib import nullcontext

import numpy as np
import pytest

import medzoo
from medzoo import layers
from medzoo.io import write
from medzoo.volume import Volume
from tests.conftest import run_eagerly

SHAPE = (20, 18, 16)
COLUMNS = ("case_id", "t1", "t2", "labels", "regions", "age", "sex", "source")
# What `fingerprints` found when this test was written, of all modes or of one; of
# regression since a case that is drawn again in an epoch is another version of it.
GOLDEN = {
    "regression": [
        -30.95409,
        -23.79136,
        20.46899,
        -20.3884,
        -58.18064,
        -21.69018,
        -30.95409,
        -23.79136,
    ],
    "classification": [
        -30.95409,
        0.18905,
        11.16358,
        -0.52275,
        -70.86759,
        0.18905,
        -11.85255,
        0.0,
    ],
    "segmentation": [
        865.98511,
        -52.96331,
        -1518.32361,
        -40.27465,
        1042.6905,
        -33.9955,
        3977.39418,
        -57.27824,
    ],
    "segmentation streamed": [
        343.91761,
        -27.81927,
        -1110.59749,
        -12.13816,
        1599.46542,
        -33.91305,
        2894.43707,
        -29.32763,
    ],
    "reconstruction": [
        30.56189,
        -59.43127,
        50.9007,
        120.28349,
        -31.93297,
        30.20929,
        66.78769,
        66.78769,
    ],
    "super_resolution": [
        -3.07324,
        6.07638,
        -7.96463,
        -7.9535,
        -1.9934,
        -37.72846,
        -6.67449,
        -37.94518,
    ],
    "super_resolution streamed": [
        -2.36557,
        -37.1507,
        -5.2845,
        -16.38933,
        1.94038,
        -67.27714,
        -6.72811,
        8.12322,
    ],
    "PatchFeed": [
        33.341,
        -16.42786,
        125.82258,
        -30.34636,
        96.80338,
        -23.05695,
        138.13955,
        -20.54857,
    ],
}
FLIP = {"class": "RandomFlip3D", "arguments": {"axes": [0]}}
NOISE = {"class": "RandomNoise", "arguments": {"stddev": [0, 0.1]}}
TURN = {"class": "RandomAffine3D", "arguments": {"rotation": 10.0}}
ORIENT = {"step": "orient", "arguments": {"orientation": "RAS"}}
T1 = [{"name": "t1", "required": True}]
T1_T2 = [*T1, {"name": "t2", "required": False}]
STRIPPED = {
    "strip": {"column": "regions", "above": 0, "dilate_mm": 1.0},
    "num_variants": 2,
    "augmentation": [TURN, NOISE],
}
SYNTHESIS = {
    "class": "LabelToImage",
    "arguments": {"labels": [0, 1, 2], "zero_background": 1.0, "num_channels": 2},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six made-up scans of two channels; one lacks its T2, one its regions."""
    folder = tmp_path_factory.mktemp("golden")
    rows = []
    for number in range(6):
        draw = np.random.default_rng(number)
        labels = np.zeros(SHAPE, np.uint8)
        labels[3:15, 3:14, 2:13], labels[6:12, 6:11, 5:10] = 1, 2
        affine = np.diag([-1.0 if number % 2 else 1.0, 1, 1, 1])
        row = {"case_id": f"c{number}", "age": 20 + 9 * number}
        row |= {"sex": "FM"[number % 2], "source": "ab"[number // 4]}
        for channel, sign in (("t1", 1), ("t2", -1)):
            image = 100 + sign * 40.0 * labels + draw.normal(0, 5, SHAPE)
            row[channel] = save(image.astype("f4"), affine, folder, row, channel)
        row["labels"] = save(labels, affine, folder, row, "labels")
        row["regions"] = save((labels > 0).astype("u1"), affine, folder, row, "regions")
        rows.append(row)
    rows[3]["t2"] = rows[4]["regions"] = ""
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cases.csv"


def save(array, affine, folder, row, kind):
    write(Volume(array, affine), folder / f"{row['case_id']}_{kind}.nii.gz")
    return f"{row['case_id']}_{kind}.nii.gz"


def recipe_of(task, channels, *, target=None, names=None, **training):
    return {
        "name": "golden",
        "task": task,
        "channels": channels,
        "target": target,
        "class_names": names,
        "unit": "years",
        "preprocessing": {
            "spatial": [ORIENT],
            "layers": [{"class": "ZScore", "arguments": {}}],
        },
        "architecture": {"arguments": {"upsampling_factor": [2, 2, 2]}},
        "training": {"batch_size": 2, "steps_per_epoch": 20, **training},
    }


def recipes():
    views = [{"rate": 0.5, "augmentation": [FLIP]}, {"rate": 0.5, **STRIPPED}]
    sources = {
        "a": {"rate": 0.7, "any_of": {"2": [1, 2]}},
        "b": {"rate": 0.3, "synthesis": SYNTHESIS, "synthesis_rate": 0.5},
    }
    options = {
        "sources": sources,
        "movement": TURN,
        "margin": 2,
        "class_weights": [0.2, 1, 1],
        "channel_rates": [0.8, 0.6],
        "reference_class": 2,
    }
    patches = {"patch_size": [8, 6, 8], "augmentation": [NOISE], "options": options}
    marks = [{"class": "MarkChannels", "arguments": {}}]
    names = ["air", "one", "two"]
    found = {
        "regression": recipe_of(
            "regression",
            T1,
            target={"column": "age"},
            views=views,
            balance={"columns": ["source"], "exponent": 0.5},
        ),
        "classification": recipe_of(
            "classification",
            T1,
            target={"column": "sex", "values": {"F": "female", "M": "male"}},
            names=["female", "male"],
            views=views,
        ),
        "segmentation": recipe_of(
            "segmentation",
            T1_T2,
            target={"column": "labels", "label_map": True},
            names=names,
            **patches,
        ),
        "reconstruction": recipe_of(
            "reconstruction",
            T1_T2,
            views=views[:1],
            options={"channel_dropout": 0.5},
        ),
        "super_resolution": recipe_of(
            "super_resolution",
            T1,
            patch_size=[3, 4, 3],
            options={"mirror_axes": [0], "gamma": 0.3, "sources": {"a": 1.0, "b": 2.0}},
        ),
    }
    found["segmentation"]["preprocessing"]["layers"] = marks
    found["super_resolution"]["preprocessing"]["layers"] = []
    return found


def patch_feed(table, mode):
    return medzoo.PatchFeed(
        table,
        T1_T2,
        labels="labels",
        spatial=[ORIENT],
        layers=[layers.ZScore()],
        patch_size=(8, 6, 8),
        margin=1,
        augmentation=[layers.RandomFlip3D(), layers.RandomNoise()],
        class_weights=[0.2, 1, 1],
        num_classes=3,
        volumes_at_once=2,
        patches_per_volume=3,
        seed=5,
        mode=mode,
    )


def first_batches(task, table, mode):
    """The arrays of three batches of an epoch and one of the next."""
    if task == "PatchFeed":
        data = patch_feed(table, mode)
        data.on_epoch_begin()
    else:
        recipe = recipes()[task]
        data = medzoo.dataset(table, recipe, batch_size=2, seed=5, mode=mode)
    batches = [data[number] for number in range(3)]
    data.on_epoch_end()
    return [array for batch in (*batches, data[0]) for array in batch]


def fingerprint(array):
    """A sum that any other voxel, order or draw changes."""
    weights = np.random.default_rng(array.size).normal(size=array.size)
    return float(array.ravel().astype(np.float64) @ weights)


def fingerprints(task, table, mode):
    return [round(fingerprint(a), 5) for a in first_batches(task, table, mode)]


@pytest.mark.parametrize("mode", ["memory", "streamed"])
@pytest.mark.parametrize("task", [*recipes(), "PatchFeed"])
def test_the_first_batches_are_what_they_were(task, table, mode):
    # Compiled once: in the other mode it would be the same again.
    with nullcontext() if mode == "memory" else run_eagerly():
        found = fingerprints(task, table, mode)
    expected = GOLDEN.get(f"{task} {mode}", GOLDEN[task])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-3)
