"""Patches with coordinates, labels that stand for several, synthesis and stripping."""

import numpy as np
import pytest

import medzoo
from medzoo.data.cases.case import Case
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.feeds.segmentation import prepared_cases
from medzoo.errors import RecipeError

# Synthesis would be compiled for each data set; test_golden_batches has compiled ones.
pytestmark = pytest.mark.usefixtures("eagerly")

SHAPE = (12, 12, 12)
SYNTHESIS = {
    "class": "LabelToImage",
    "arguments": {
        "labels": [0, 1, 2, 3],
        "priors": {str(k): [[0.5, 0.5], [0, 0]] for k in (1, 2, 3)},
        "zero_background": 1.0,
        "bias_stddev": 0.0,
        "blur": [0, 0],
        "log_gamma": 0.0,
        "thick_slices": 0.0,
        "noise": [0, 0],
    },
}


def recipe(source=None, **options):
    return {
        "name": "tiny",
        "task": "segmentation",
        "class_names": ["air", "a", "b"],
        "channels": [{"name": "t1", "required": True}],
        "target": {"column": "labels", "label_map": True},
        "preprocessing": {"spatial": [], "layers": []},
        "training": {
            "patch_size": list(SHAPE),
            "batch_size": 1,
            "steps_per_epoch": 4,
            "loss": {
                "class": "LabelSetDiceCrossentropy",
                "arguments": {"unions": {"3": [1, 2]}},
            },
            "options": {"sources": {"cases": source or {}}, **options},
        },
    }


@pytest.fixture
def volumes(tmp_path):
    def made(content, *, coordinates=False):
        labels = np.zeros(SHAPE, np.uint8)
        labels[2:6, 2:10, 2:10], labels[6:8, 2:10, 2:10] = 1, 2
        labels[8:10, 2:10, 2:10] = 3
        image = np.zeros(SHAPE, np.float32)
        image[1:11, 1:11, 1:11] = 7.0
        for name, array in (("image", image), ("labels", labels)):
            volume = medzoo.Volume(array, np.eye(4))
            medzoo.write(volume, tmp_path / f"{name}.nii.gz")
        images = {"t1": tmp_path / "image.nii.gz"}
        case = Case("a", images, target="labels.nii.gz", folder=tmp_path)
        found = prepared_cases([case], content)
        if coordinates:
            places = np.indices(SHAPE).transpose(1, 2, 3, 0) / 10
            own = dict(found.preparation(case))
            own["image"] = np.concatenate([own["image"], places], -1).astype("f2")
            found.put(0, own)
        return found

    return made


def test_labels_stay_indices_where_some_stand_for_several(volumes):
    content = recipe()
    image, labels = PatchDataset(volumes(content), content).patch(0)

    assert image.shape == (*SHAPE, 1)
    assert labels.shape == SHAPE
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) == {0, 1, 2, 3}


def test_what_is_not_labelled_is_stripped(volumes):
    content = recipe({"strip_rate": 1.0})
    image, labels = PatchDataset(volumes(content), content).patch(0)

    assert (image[..., 0][labels == 0] == 0).all()
    assert (image[..., 0][labels > 0] == 7).all()


@pytest.mark.parametrize("replaces", [True, False])
def test_synthetic_channels_replace_real_ones_on_request(volumes, replaces):
    source = {"synthesis": SYNTHESIS, "synthesis_replaces": replaces}
    content = recipe(source, reference_class=[1, 3])
    image, labels = PatchDataset(volumes(content), content).patch(0)

    deep = image[4, 6, 6, 0]
    assert labels[4, 6, 6] == 1
    assert deep == (pytest.approx(1.0, abs=0.1) if replaces else 7.0)


def test_coordinates_are_moved_with_the_image_and_no_intensity_touches_them(volumes):
    content = recipe(movement=[{"class": "RandomFlip3D", "arguments": {"axes": [0]}}])
    content["training"]["augmentation"] = [
        {"class": "RandomScaleIntensity", "arguments": {"factor": [0.9, 2.0]}}
    ]
    data = PatchDataset(volumes(content, coordinates=True), content)
    flipped = set()
    for number in range(8):
        image, _ = data.patch(number)
        assert image.shape == (*SHAPE, 4)
        assert abs(image[5, 5, 5, 0] - 7.0) > 1e-3
        along = image[:, 0, 0, 1]
        np.testing.assert_allclose(np.sort(along), np.arange(12) / 10, atol=1e-3)
        flipped.add(bool(along[0] > along[-1]))
    assert flipped == {True, False}


def test_coordinates_are_disturbed_as_a_whole(volumes):
    content = recipe(coordinate_noise=[0.05, 0.0])
    data = PatchDataset(volumes(content, coordinates=True), content)
    image, _ = data.patch(1)
    off = image[:, 0, 0, 1] - np.arange(12) / 10
    assert np.ptp(off) < 2e-3
    assert abs(off[0]) > 1e-3


def test_codes_for_a_synthesis_have_no_images(tmp_path):
    """In a real patch voxels would be of class 3, in a synthetic one of class 1."""
    arguments = {**SYNTHESIS["arguments"], "targets": {"3": 1}}
    own = recipe({"synthesis": {**SYNTHESIS, "arguments": arguments}})
    cases = [
        Case("map", {}, target="map.nii", folder=tmp_path),
        Case("scan", {"t1": tmp_path / "t1.nii"}, target="map.nii", folder=tmp_path),
    ]
    prepared_cases(cases[:1], own)
    prepared_cases(cases, recipe({"synthesis": SYNTHESIS}))
    with pytest.raises(RecipeError, match="source='cases' in case scan"):
        prepared_cases(cases, own)
