"""The measurement of super-resolution, with networks whose answers are known."""

import numpy as np
import pytest
from scipy import ndimage

from medzoo.data.cases.case import Case
from medzoo.data.feeds.upsampling import cubic_b_spline
from medzoo.errors import InputError
from medzoo.evaluation import evaluate
from medzoo.evaluation.super_resolution import RIDGE, measure_super_resolution
from medzoo.evaluation.tasks import TASKS
from medzoo.io import read, write
from medzoo.volume import Volume

FACTOR = (2, 2, 2)


class Cubic:
    """A network that answers with cubic B-splines."""

    def predict_on_batch(self, batch):
        return np.stack([cubic_b_spline(x[..., 0], FACTOR) for x in batch])[..., None]


def make_recipe(validation=()):
    return {
        "name": "fine",
        "architecture": {"arguments": {"upsampling_factor": list(FACTOR)}},
        "channels": [{"name": "t1", "required": True}],
        "preprocessing": {
            "spatial": [{"step": "orient", "arguments": {"orientation": "RAS"}}],
            "layers": [],
        },
        "postprocessing": [],
        "training": {"split": {"validation": list(validation)}},
    }


def blobs(seed, shape=(21, 22, 20)):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    return (1000 * np.maximum(smooth / smooth.std() + 0.5, 0)).astype("f4")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    made = []
    for number, case_id in enumerate(["a1", "a2", "b1", "av", "bv"]):
        path = folder / f"{case_id}.nii"
        affine = np.diag([1.0 if case_id[0] == "a" else -2.0, 1, 1, 1])
        write(Volume(blobs(number), affine), path)
        made.append(Case(case_id, {"t1": path}, columns={"source": case_id[0]}))
    return made


def test_held_out_cases_are_measured_and_others_fit_the_regression(cases):
    found = measure_super_resolution(Cubic(), make_recipe(["av", "bv"]), cases)

    gain = found["metrics"]["psnr_gain"]
    assert gain["value"] == pytest.approx(0, abs=1e-3)
    assert (gain["n"], gain["unit"]) == (2, "dB")
    psnr = found["metrics"]["psnr"]
    assert psnr["ci95"][0] <= psnr["value"] <= psnr["ci95"][1]
    # The profile blurs, which interpolation does not undo and a regression does.
    assert found["baselines"][RIDGE]["psnr_gain"]["value"] > 1
    assert found["baselines"]["cubic B-spline"]["psnr"] == psnr
    assert list(found["groups"]) == [
        f"{source}, profile of {width} voxels"
        for source in "ab"
        for width in ("1", "0.7", "1.3")
    ]
    assert found["groups"]["a, profile of 1 voxels"]["psnr_gain"]["n"] == 1
    assert found["protocol"].startswith("2 cases of the validation split")


def test_other_tables_are_measured_whole(cases):
    found = measure_super_resolution(Cubic(), make_recipe(["x"]), cases[:3])

    assert found["metrics"]["psnr"]["n"] == 3
    assert list(found["baselines"]) == ["cubic B-spline"]
    assert "ridge_psnr_gain" not in found["groups"]["b, profile of 1 voxels"]
    with pytest.raises(InputError, match="needs cases"):
        measure_super_resolution(Cubic(), make_recipe(), [])


def test_the_cost_is_that_of_a_scan_as_coarse_as_the_model_expects(cases, monkeypatch):
    measured = []

    def measure(predictor, case):
        measured.append(read(case.images["t1"]))
        return {"seconds_per_scan": 1.0}

    monkeypatch.setattr(evaluate, "cost_of", measure)
    recipe = make_recipe()
    task = TASKS["super_resolution"](recipe)
    assert evaluate._cost(None, task, cases[0]) == {"seconds_per_scan": 1.0}
    evaluate._cost(None, TASKS["segmentation"](recipe), cases[0])
    coarse, whole = measured
    # What does not fill a coarse voxel is left out: 21 voxels make ten pairs.
    assert coarse.shape == (10, 11, 10)
    assert coarse.spacing == pytest.approx((2, 2, 2))
    assert whole.shape == (21, 22, 20)
