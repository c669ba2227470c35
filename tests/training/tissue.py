"""A small segmentation: phantoms, their label maps, and a model trained on them."""

import csv
import sys
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from medzoo.io import write
from medzoo.training import validation
from medzoo.training.normalization import reestimate_averages
from medzoo.training.train import train

NAMES = ["background", "fluid", "grey", "white"]
# Codes of the map that is synthesised from, and what they are.
CODES = {"10": 1, "20": 2, "30": 3}


def synthesis(labels, targets=None):
    background = {"background": [labels[0]], "zero_background": 1.0}
    arguments = {"labels": labels, "num_channels": 2, **background, "noise": [0, 0.02]}
    if targets:
        arguments["targets"] = targets
    return {"class": "LabelToImage", "arguments": arguments}


def tissue_recipe(**training):
    """A recipe of two channels, any of which may be missing, that trains in seconds."""
    sources = {
        "manual": {
            "rate": 0.6,
            "synthesis": synthesis([0, 1, 2, 3]),
            "synthesis_rate": 0.5,
        },
        "merged": {"rate": 0.2, "codes": "codes.csv", "any_of": {"3": [2, 3]}},
        "map": {"rate": 0.2, "synthesis": synthesis([0, 10, 20, 30], CODES)},
    }
    return {
        "schema": 1,
        "name": "tiny_tissue",
        "version": "1.0",
        "summary": "Tissue of a phantom",
        "task": "segmentation",
        "architecture": {
            "class": "ResidualUNet3D",
            "arguments": {
                "input_shape": [None, None, None, 4],
                "num_classes": 4,
                "filters": [8, 12],
                "strides": [[2, 2, 2], [2, 2, 2]],
                "head_upsampling": "sub_voxel",
            },
        },
        "channels": [
            {"name": "t1", "required": False},
            {"name": "flair", "required": False},
        ],
        "target": {"column": "labels", "label_map": True},
        "preprocessing": {
            "spatial": [
                {"step": "orient", "arguments": {"orientation": "RAS"}},
                {"step": "resample", "arguments": {"spacing": 6.0, "tolerance": 0.1}},
            ],
            "layers": [{"class": "MarkChannels", "arguments": {}}],
        },
        "postprocessing": [
            {
                "step": "sliding_window",
                "arguments": {"window_size": [16, 24, 24], "overlap": 0.25},
            },
            {"step": "mirror", "arguments": {"axis": 0}},
        ],
        "class_names": NAMES,
        "weights": None,
        "training": {
            "epochs": 9,
            "steps_per_epoch": 15,
            "batch_size": 2,
            "learning_rate": 0.02,
            "warmup_epochs": 1,
            "patch_size": [16, 16, 16],
            "split": {"validation": ["m3"]},
            "validate_every": 3,
            "loss": {
                "class": "PartialLabels",
                "arguments": {"loss": {"class": "DiceCrossentropy", "arguments": {}}},
            },
            "augmentation": [
                {"class": "RandomNoise", "arguments": {"stddev": [0, 0.02]}}
            ],
            "options": {
                "sources": sources,
                "margin": 2,
                "class_weights": [0.5, 1, 1, 1],
                "reference_class": 3,
                "movement": {
                    "class": "RandomSpatial3D",
                    "arguments": {"rotation": 5, "displacement": 1},
                },
            },
            **training,
        },
        "data": [],
        "licence": "CC0-1.0",
        "citation": "none",
        "intended_use": "tests",
        "limits": ["phantoms only"],
    }


def scaled(volume):
    """White matter is 1, as the real recipe's steps make it."""
    return volume.with_array((volume.array / 160).astype("float32"))


def true_classes(head_phantom, **grid):
    """Classes of a phantom of the brain, from its intensities without noise."""
    brain = head_phantom(skull=False, **grid)
    levels = [brain.array > 20, brain.array > 80, brain.array > 135]
    return brain.with_array(np.sum(levels, axis=0).astype(np.uint8))


@pytest.fixture(scope="session")
def tissue_study(tmp_path_factory, head_phantom):
    """The path of a cases.csv with four true scans, one of merged labels, one map."""
    folder = tmp_path_factory.mktemp("tissue")
    rows = []
    for number in range(6):
        grid = {"spacing": 6.0, "shift": (number, 0.0, 0.0)}
        labels = true_classes(head_phantom, **grid)
        source = "manual"
        if number == 4:
            source = "merged"
            labels = labels.with_array(np.array([0, 7, 9, 9], "uint8")[labels.array])
        if number == 5:
            source = "map"
            labels = labels.with_array((10 * labels.array).astype("uint8"))
        else:
            scan = head_phantom(skull=False, noise=3.0, seed=number, **grid)
            write(scaled(scan), folder / f"m{number}.nii.gz")
        write(labels, folder / f"m{number}_labels.nii.gz")
        rows.append(
            {
                "case_id": f"m{number}",
                "t1": "" if number == 5 else f"m{number}.nii.gz",
                "labels": f"m{number}_labels.nii.gz",
                "source": source,
            }
        )
    (folder / "codes.csv").write_text("code,class\n7,1\n9,3\n")
    path = folder / "cases.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@contextmanager
def few_batches_for_averages():
    """Averages of batch normalisation from 12 batches instead of 20 and 60.

    Those batches are made and seen one operation at a time, far more of them than a
    training here has steps.
    """
    few = partial(reestimate_averages, num_batches=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "NUM_BATCHES", 12)
        patch.setattr(sys.modules["medzoo.training.fit"], "reestimate_averages", few)
        yield


@pytest.fixture(scope="session")
def tissue_model(tmp_path_factory, tissue_study):
    """The folder of a model trained on the phantoms."""
    folder = tmp_path_factory.mktemp("tissue_model")
    lines = []
    tables = tissue_study.parent
    with few_batches_for_averages():
        train(tissue_recipe(), tissue_study, folder, tables=tables, log=lines.append)
    (folder / "log.txt").write_text("\n".join(lines))
    (folder / "codes.csv").write_text((tables / "codes.csv").read_text())
    return folder
