"""A small study: phantoms whose brains shrink with age, and a recipe that fits it."""

import csv

import pytest

from medzoo.io import write
from medzoo.training import history
from tests.training.tissue import tissue_model, tissue_study  # noqa: F401 - fixtures


def tiny_recipe(**training):
    """A regression recipe that trains in seconds."""
    return {
        "schema": 1,
        "name": "tiny_age",
        "version": "1.0",
        "summary": "Age of a phantom",
        "task": "regression",
        "architecture": {
            "class": "Ensemble3D",
            "arguments": {
                "num_members": 2,
                "member": {
                    "class": "ResNet3D",
                    "arguments": {
                        "input_shape": [16, 20, 18, 1],
                        "num_classes": 1,
                        "filters": [4, 8],
                        "strides": [[1, 1, 1], [2, 2, 2]],
                        "output_scale": 16.0,
                        "output_offset": 50.0,
                        # Averages of batch normalisation take 60 batches more.
                        "normalization": "instance",
                        "dropout_rate": 0.1,
                    },
                },
            },
        },
        "channels": [{"name": "t1", "required": True}],
        "target": {"column": "age"},
        "preprocessing": {
            "spatial": [
                {"step": "orient", "arguments": {"orientation": "RAS"}},
                {"step": "resample", "arguments": {"spacing": 12.0}},
                {"step": "crop_pad", "arguments": {"size": [16, 20, 18]}},
            ],
            "layers": [{"class": "ZScore", "arguments": {}}],
        },
        "postprocessing": [
            {"step": "mirror", "arguments": {"axis": 0}},
            {"step": "interval", "arguments": {"coverage": 0.5}},
        ],
        "unit": "years",
        "weights": None,
        "training": {
            "epochs": 4,
            "batch_size": 4,
            "seed": 1,
            "split": {"num_folds": 2, "seed": 3},
            "views": [
                {
                    "name": "as it is",
                    "rate": 0.5,
                    "augmentation": [{"class": "RandomFlip3D", "arguments": {}}],
                },
                {
                    "name": "stripped",
                    "rate": 0.5,
                    "strip": {"column": "regions", "above": 0, "dilate_mm": 0.0},
                    "num_variants": 2,
                    "augmentation": [
                        # Compiled in a moment, unlike a warp.
                        {"class": "RandomFlip3D", "arguments": {"axes": [1]}},
                        {"class": "RandomIntensityCurve", "arguments": {}},
                    ],
                },
            ],
            **training,
        },
        "data": [
            {"name": "phantoms", "cases": 12, "licence": "CC0-1.0", "role": "training"}
        ],
        "licence": "CC0-1.0",
        "citation": "none",
        "intended_use": "tests",
        "limits": ["phantoms only"],
    }


@pytest.fixture(autouse=True)
def _no_pictures(request, monkeypatch):
    """No training draws curves, which takes time, but for tests with `pictures`."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(history, "draw", lambda *_, **__: None)


@pytest.fixture
def pictures():
    """For tests that look at what a training draws."""


@pytest.fixture(scope="session")
def study(tmp_path_factory, head_phantom):
    """The path of a cases.csv: 12 labelled phantoms and one without an age."""
    folder = tmp_path_factory.mktemp("study")
    rows = []
    for number in range(13):
        age = 20.0 + 5 * number
        spacing = 6.0 * (1 + 0.02 * number)
        head = head_phantom(spacing=6.0)
        head = head.with_affine(head.affine @ _scaling(spacing / 6.0))
        brain = head_phantom(spacing=6.0, skull=False)
        regions = head.with_array((brain.array > 60).astype("uint8"))
        write(head, folder / f"c{number}.nii.gz")
        write(regions, folder / f"c{number}_regions.nii.gz")
        rows.append(
            {
                "case_id": f"c{number}",
                "t1": f"c{number}.nii.gz",
                "regions": f"c{number}_regions.nii.gz" if number != 3 else "",
                "age": f"{age}" if number != 12 else "",
            }
        )
    path = folder / "cases.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _scaling(factor):
    import numpy as np

    return np.diag([factor, factor, factor, 1.0])


@pytest.fixture
def recipe():
    """A fresh small recipe."""
    return tiny_recipe()


def single_network(recipe, **arguments):
    """Returns the recipe of one member of its ensemble."""
    member = recipe["architecture"]["arguments"]["member"]
    member["arguments"] |= arguments
    return {**recipe, "architecture": member}


def without_augmentation(recipe):
    """Returns the recipe with one view, not augmented: nothing to compile for it."""
    view = {"name": "as it is", "rate": 1.0}
    return {**recipe, "training": {**recipe["training"], "views": [view]}}


@pytest.fixture
def make_recipe():
    """The function that makes a small recipe with other training settings."""
    return tiny_recipe
