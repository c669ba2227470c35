"""Training of super-resolution: the solved head, and a small training to the end."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from medzoo.data.feeds.super_resolution import SuperResolutionDataset, prepared_cases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import RecipeError
from medzoo.io import write
from medzoo.models import SuperResolution3D
from medzoo.training.image_training import train_images
from medzoo.training.least_squares_head import solve_head
from medzoo.training.network import single_network
from medzoo.training.super_resolution import Gain
from medzoo.volume import Volume

ARCHITECTURE = {
    "filters": [8],
    "upsampling_factor": [2, 2, 2],
    "residual": True,
    "blocks": "residual",
    "head": "sub_voxel",
    "normalization": "none",
    "activation": "relu",
}


def make_recipe(**training):
    return {
        "name": "fine",
        "task": "super_resolution",
        "channels": [{"name": "t1", "required": True}],
        "architecture": {"class": "SuperResolution3D", "arguments": ARCHITECTURE},
        "preprocessing": {"spatial": [], "layers": []},
        "postprocessing": [],
        "training": {
            "epochs": 2,
            "steps_per_epoch": 2,
            "batch_size": 2,
            "patch_size": [6, 6, 6],
            "warmup_epochs": 1,
            "learning_rate": 1e-4,
            "split": {"validation": ["v"]},
            **training,
        },
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    rows = ["case_id,t1,source"]
    for number, case_id in enumerate("abv"):
        noise = np.random.default_rng(number).normal(size=(24, 26, 28))
        # Blobs with sharp edges: more than interpolation can bring back.
        array = 100.0 * (ndimage.gaussian_filter(noise, 2) > 0)
        write(Volume(array.astype("f4"), np.eye(4)), folder / f"{case_id}.nii")
        rows.append(f"{case_id},{case_id}.nii,blobs")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    return folder / "cases.csv"


class OneBatch(keras.utils.PyDataset):
    def __init__(self, coarse, fine):
        super().__init__()
        self.pair = coarse, fine

    def __len__(self):
        return 1

    def __getitem__(self, number):
        return self.pair


@pytest.mark.parametrize("residual", [True, False])
def test_the_solved_head_finds_the_one_that_made_the_data(residual):
    keras.utils.set_random_seed(0)
    model = SuperResolution3D(**{**ARCHITECTURE, "residual": residual})
    head = model.get_layer("head")
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=head.kernel.shape).astype("f4")
    head.kernel.assign(kernel)
    coarse = rng.normal(size=(3, 9, 10, 11, 1)).astype("f4")
    fine = model.predict_on_batch(coarse)
    head.kernel.assign(np.zeros_like(kernel))

    solve_head(model, OneBatch(coarse, fine), 1, penalty=1e-9)

    np.testing.assert_allclose(head.kernel, kernel, atol=2e-2)
    np.testing.assert_allclose(model.predict_on_batch(coarse), fine, atol=5e-2)


def test_every_batch_that_is_asked_for_is_another_one(table):
    recipe = make_recipe()
    cases = read_cases(table, recipe["channels"])
    data = SuperResolutionDataset(prepared_cases(cases, recipe), recipe)
    asked = []

    class Recorded(OneBatch):
        def __getitem__(self, number):
            asked.append(data[number][0])
            return data[number]

    solve_head(SuperResolution3D(**ARCHITECTURE), Recorded(None, None), 5)

    assert len({batch.tobytes() for batch in asked}) == 5


def test_other_heads_are_not_solved_for():
    model = SuperResolution3D(filters=(3,))
    with pytest.raises(RecipeError, match="Conv3DTranspose"):
        solve_head(model, OneBatch(None, None), 1)


def test_training_starts_from_a_solved_head_and_keeps_what_is_better(table, tmp_path):
    recipe = make_recipe(options={"solved_batches": 8})
    lines = []

    cases = read_cases(table, recipe["channels"], columns=["source"])
    model = train_images(recipe, cases, tmp_path, keeping={}, log=lines.append)

    assert lines[0] == "2 cases for training, 1 for validation"
    assert "as trained" in lines[-1]
    measured = [line for line in lines if "validation: psnr_gain" in line]
    assert len(measured) == 2
    gain = Gain(prepared_cases(cases, recipe), recipe, [2])
    # The untrained network is linear interpolation.
    before = gain(single_network(recipe))["psnr_gain"]
    assert gain(model)["psnr_gain"] > before + 0.5
    assert model.count_params() == single_network(recipe).count_params()
    assert (tmp_path / "runs" / "start.weights.h5").is_file()


def test_a_table_without_validation_cases_is_trained_on_whole(table, tmp_path):
    recipe = make_recipe(split={"validation": ["x"]}, epochs=1)
    lines = []

    cases = read_cases(table, recipe["channels"], columns=["source"])
    train_images(recipe, cases, tmp_path, keeping={}, log=lines.append)

    assert lines[0] == "3 cases for training, 0 for validation"
    assert not (tmp_path / "runs" / "start.weights.h5").exists()
    assert not (tmp_path / "cross_validation.json").exists()
