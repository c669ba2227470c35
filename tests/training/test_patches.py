"""Patches of a segmentation's training: seeds in threads, layers of the recipe."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import medzoo
from medzoo.errors import RecipeError
from medzoo.models import ResidualUNet3D
from tests.training.tissue import scaled, tissue_recipe

ZSCORE = {"class": "ZScore", "arguments": {}}


def plain_recipe(layers):
    """One channel, whole volumes alike to patches, nothing random but the place."""
    recipe = tissue_recipe(augmentation=[], options={"sources": {}})
    recipe["channels"] = recipe["channels"][:1]
    recipe["preprocessing"]["layers"] = layers
    return recipe


def own_cases(tissue_study, tmp_path):
    lines = tissue_study.read_text().splitlines()[:3]
    rows = [line.split(",")[:3] for line in lines]
    folder = tissue_study.parent
    text = [",".join(rows[0])]
    text += [f"{name},{folder / t1},{folder / labels}" for name, t1, labels in rows[1:]]
    table = tmp_path / "own.csv"
    table.write_text("\n".join(text) + "\n")
    return table


def test_threads_draw_the_same_patches(tissue_study):
    recipe = tissue_recipe(steps_per_epoch=12)
    recipe["training"]["augmentation"].append(
        {"class": "RandomScaleIntensity", "arguments": {"factor": 0.3}}
    )
    recipe["training"]["options"]["sources"] = {"manual": {}}
    table = tissue_study.with_name("manual.csv")
    table.write_text("\n".join(tissue_study.read_text().splitlines()[:4]) + "\n")
    data = medzoo.dataset(table, recipe)
    one_by_one = [data[number][0] for number in range(len(data))]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda number: data[number][0], range(len(data))))
    for one, other in zip(one_by_one, at_once, strict=True):
        np.testing.assert_array_equal(one, other)


def test_patches_are_normalised_as_whole_volumes_are(tissue_study, tmp_path):
    table = own_cases(tissue_study, tmp_path)
    recipe = plain_recipe([ZSCORE])
    model = ResidualUNet3D((None, None, None, 1), 4, recipe=recipe)
    whole, _ = model.preprocessor(tissue_study.parent / "m0.nii.gz")
    images, _ = medzoo.dataset(table, recipe, augment=False)[0]
    assert images.shape[1:] == (16, 16, 16, 1)
    shape = (16, 16, 16)
    windows = np.lib.stride_tricks.sliding_window_view(whole[0, ..., 0], shape)
    windows = windows.reshape(-1, *shape)
    errors = [
        min(np.abs(window - image[..., 0]).max() for window in windows)
        for image in images
    ]
    # Kept as float16; the other case is not this volume.
    assert min(errors) < 0.01


def test_marks_are_there_if_the_recipe_has_them(tissue_study, tmp_path):
    table = own_cases(tissue_study, tmp_path)
    marks = {"class": "MarkChannels", "arguments": {}}
    for layers, channels in (([], 1), ([marks], 2), ([ZSCORE, marks], 2)):
        images, _ = medzoo.dataset(table, plain_recipe(layers))[0]
        assert images.shape[-1] == channels


def test_synthesis_beside_layers_that_normalise_is_refused(tissue_study):
    recipe = tissue_recipe()
    recipe["preprocessing"]["layers"].insert(0, ZSCORE)
    with pytest.raises(RecipeError, match=r"Received: \['ZScore'\]"):
        medzoo.dataset(tissue_study, recipe)


def test_a_network_with_deep_supervision_predicts_by_its_finest_output(head_phantom):
    recipe = plain_recipe([])
    recipe["architecture"]["arguments"] = {
        "input_shape": [None, None, None, 1],
        "num_classes": 4,
        "filters": [8, 12],
        "strides": [[1, 1, 1], [2, 2, 2]],
        "deep_supervision": True,
    }
    arguments = recipe["architecture"]["arguments"]
    deep = ResidualUNet3D(**arguments, recipe=recipe)
    scan = scaled(head_phantom(spacing=8.0, skull=False))
    found = deep.predict_volume({"t1": scan})
    arguments["deep_supervision"] = False
    flat = ResidualUNet3D(**arguments, recipe=recipe)
    for layer in flat.layers:
        layer.set_weights(deep.get_layer(layer.name).get_weights())
    np.testing.assert_array_equal(
        found.labels.array, flat.predict_volume({"t1": scan}).labels.array
    )


@pytest.mark.parametrize("mode", ["cached", "streamed"])
@pytest.mark.usefixtures("eagerly")  # each of four data sets would be compiled
def test_where_volumes_are_kept(tissue_study, tmp_path, mode):
    """On disk the batches are those of memory; streamed, volumes come in groups."""
    recipe = tissue_recipe(steps_per_epoch=40)
    recipe["training"]["options"]["sources"] = {"manual": {}}
    table = tmp_path / "manual.csv"
    folder = tissue_study.parent
    rows = [line.split(",") for line in tissue_study.read_text().splitlines()[:4]]
    lines = [",".join(rows[0])]
    for name, t1, labels, *more in rows[1:]:
        lines.append(",".join([name, f"{folder / t1}", f"{folder / labels}", *more]))
    table.write_text("\n".join(lines) + "\n")
    keeping = {"mode": mode, "folder": tmp_path / "s" if mode == "cached" else None}
    data = medzoo.dataset(table, recipe, **keeping)
    if mode == "cached":
        expected = medzoo.dataset(table, recipe)
        for number in range(3):
            for one, other in zip(data[number], expected[number], strict=True):
                np.testing.assert_array_equal(one, other)
        kept = data.volumes.get(0)
        assert isinstance(kept["labels"], np.memmap)
        return
    drawn = [data.draw_case(number, None) for number in range(32)]
    assert {drawn.count(index) % 8 for index in drawn} == {0}
    again = medzoo.dataset(table, recipe, mode=mode)
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(again.__getitem__, range(4)))
    for number, found in enumerate(at_once):
        for one, other in zip(found, data[number], strict=True):
            np.testing.assert_array_equal(one, other)
