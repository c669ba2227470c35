"""The patches that a super-resolution network learns from."""

import numpy as np
import pytest
from scipy import ndimage

from medzoo.data.cases.case import Case
from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.super_resolution import SuperResolutionDataset, prepared_cases
from medzoo.errors import InputError, RecipeError
from medzoo.io import write
from medzoo.spatial.foreground import foreground_scale
from medzoo.volume import Volume


def make_recipe(**options):
    return {
        "name": "fine",
        "channels": [{"name": "t1", "required": True}],
        "preprocessing": {
            "spatial": [{"step": "orient", "arguments": {"orientation": "RAS"}}],
            "layers": [],
        },
        "architecture": {"arguments": {"upsampling_factor": [4, 4, 4]}},
        "training": {
            "patch_size": [4, 5, 6],
            "batch_size": 3,
            "steps_per_epoch": 2,
            "options": options,
        },
    }


def smooth(seed, shape=(40, 44, 48)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return (1000 * np.abs(ndimage.gaussian_filter(noise, 2))).astype("f4")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    made = []
    for number, source in enumerate(["a", "a", "b"]):
        path = folder / f"{number}.nii.gz"
        # The third scan runs from right to left.
        affine = np.diag([-2.0 if source == "b" else 2.0, 2, 2, 1])
        write(Volume(smooth(number), affine), path)
        made.append(Case(str(number), {"t1": path}, columns={"source": source}))
    return made


def test_scans_are_oriented_and_scaled_by_their_coarse_image(cases):
    scan = prepared_cases(cases, make_recipe()).get(2)
    array, bright = scan["image"], scan["bright"]

    fine = smooth(2)[::-1]
    background, height = foreground_scale(degrade(fine, 4))
    restored = array.astype("f4") * height + background
    np.testing.assert_allclose(restored, fine, atol=height * 2e-3)
    assert array[tuple(bright.T)].min() > 0.2


def test_a_coarse_patch_is_the_degraded_fine_one(cases):
    data = SuperResolutionDataset(
        prepared_cases(cases, make_recipe()), make_recipe(), augment=False
    )

    coarse, fine = data[0]

    assert coarse.shape == (3, 4, 5, 6, 1)
    assert fine.shape == (3, 16, 20, 24, 1)
    assert coarse.dtype == fine.dtype == np.float32
    # The profile reaches beyond the patch, so only the middle can be compared.
    again = degrade(fine[0, ..., 0], 4)
    np.testing.assert_allclose(
        again[1:-1, 2:-2, 2:-2], coarse[0, 1:-1, 2:-2, 2:-2, 0], atol=5e-3
    )


def test_a_patch_at_the_border_is_a_part_of_the_degraded_scan(cases):
    volumes = prepared_cases(cases, make_recipe())
    recipe = make_recipe()
    recipe["training"]["patch_size"] = [10, 11, 12]
    data = SuperResolutionDataset(volumes, recipe, indices=[0], augment=False)

    coarse, fine = data.patch(0)

    array = volumes.get(0)["image"].astype("f4")
    np.testing.assert_array_equal(fine[..., 0], array)
    np.testing.assert_allclose(coarse[..., 0], degrade(array, 4), atol=1e-5)


def test_draws_follow_from_seed_epoch_and_number(cases):
    options = {"mirror_axes": [0], "gamma": 0.3, "fwhm": [0.7, 1.0, 1.3]}
    recipe = make_recipe(**options)
    volumes = prepared_cases(cases, recipe)
    data = SuperResolutionDataset(volumes, recipe, seed=1)
    first = data[0][0], data[1][0]
    resumed = SuperResolutionDataset(volumes, recipe, seed=1)

    np.testing.assert_array_equal(resumed[1][0], first[1])
    assert not np.array_equal(*first)
    data.on_epoch_end()
    assert not np.array_equal(data[0][0], first[0])
    resumed.epoch = 1
    np.testing.assert_array_equal(resumed[0][0], data[0][0])


def test_sources_are_drawn_by_their_rates(cases, monkeypatch):
    recipe = make_recipe(sources={"a": 0.0, "b": 1.0})
    volumes = prepared_cases(cases, recipe)
    asked = []
    get = volumes.get
    monkeypatch.setattr(volumes, "get", lambda n: asked.append(n) or get(n))

    SuperResolutionDataset(volumes, recipe)[0]

    assert asked == [2, 2, 2]
    with pytest.raises(RecipeError, match="source that has a rate"):
        SuperResolutionDataset(volumes, recipe, indices=[0, 1])


def test_what_cannot_be_cut_is_refused(cases, tmp_path):
    recipe = make_recipe()
    del recipe["training"]["steps_per_epoch"]
    with pytest.raises(RecipeError, match="steps_per_epoch"):
        SuperResolutionDataset(prepared_cases(cases, recipe), recipe)
    write(Volume(np.ones((3, 8, 8), "f4"), np.eye(4)), tmp_path / "flat.nii.gz")
    flat = prepared_cases(
        [Case("flat", {"t1": tmp_path / "flat.nii.gz"})], make_recipe()
    )
    with pytest.raises(InputError, match="flat"):
        flat.get(0)
