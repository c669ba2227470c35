"""The brain mask: by the network on real heads, by the atlas on the average one."""

import csv

import numpy as np
import pytest

from medzoo.errors import InputError, MedzooWarning, OfflineError
from medzoo.io.image_files import read_labels, read_quietly
from medzoo.preprocessing.brain_mask import brain_mask, coarse_recipe, mask_doubt
from medzoo.spatial.atlas_brain import filled
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform

# Of the validation split of mrbrains_tissue_unet.
UNSEEN = ("IXI033-HH-1259", "IXI577-HH-2661")


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_what_is_closed_is_narrow_in_millimetres():
    mask = np.zeros((60, 60, 12), bool)
    mask[10:50, 10:50, 1:4] = mask[10:50, 10:50, 6:10] = True
    mask[30, 30, 4:6] = True
    mask[20:23, 10:40, 7] = False

    found = filled(mask, (0.5, 0.5, 6.0))
    # A gap of two thick slices stays, a sulcus of three thin voxels is closed.
    np.testing.assert_array_equal(found[15, 15], mask[15, 15])
    assert found[20:23, 15:40, 7].all()


@pytest.mark.extended
def test_the_atlas_finds_the_brain_of_the_average_head():
    space = standard_space()
    found = brain_mask(space.head, method="atlas")
    assert found.array.dtype == bool
    assert dice(found.array, space.mask.array) > 0.95


def test_without_weights_the_atlas_is_taken_and_that_is_told(monkeypatch):
    from importlib import import_module

    # The module, not the function of its name that the package shows.
    module = import_module("medzoo.preprocessing.brain_mask")

    def missing():
        raise OfflineError("No network. Received: none.")

    asked = []

    def found_at_once(volume, name, kind):
        # The average head lies where the standard space has it; tests of registration
        # and the one above deform it.
        asked.append(kind)
        return Transform([np.eye(4)], grid=standard_space(name).grid)

    monkeypatch.setattr(module, "_model", missing)
    atlas = import_module("medzoo.spatial.atlas_brain")
    monkeypatch.setattr(atlas, "onto_standard", found_at_once)
    space = standard_space()
    with pytest.warns(MedzooWarning, match="by the atlas alone"):
        found = module.brain_mask(space.head)
    assert asked == ["deformable"]
    assert dice(found.array, space.mask.array) > 0.95


def test_a_volume_that_no_brain_has_is_told(head_phantom):
    head = head_phantom(8.0)
    assert "0 ml" in mask_doubt(head.with_array(np.zeros(head.shape, bool)))
    assert mask_doubt(head.with_array(head.array > 100)) is None


def test_the_grid_is_coarser_and_the_recipe_stays():
    recipe = {
        "preprocessing": {
            "spatial": [{"step": "resample", "arguments": {"spacing": 1.0}}]
        }
    }
    found = coarse_recipe(recipe, 1.5)["preprocessing"]["spatial"][0]["arguments"]
    assert found == {"spacing": 1.5}
    assert recipe["preprocessing"]["spatial"][0]["arguments"] == {"spacing": 1.0}


def test_other_methods_are_refused(head_phantom):
    with pytest.raises(InputError, match="method"):
        brain_mask(head_phantom(8.0), method="ellipsoid")
    with pytest.raises(InputError, match="spacing"):
        brain_mask(head_phantom(8.0), spacing=8)


@pytest.mark.parametrize("name", UNSEEN)
def test_the_network_finds_the_brains_of_real_heads(realdata, name):
    folder = realdata / "ixi_hh"
    with (folder / "cases.csv").open(newline="") as file:
        row = next(r for r in csv.DictReader(file) if r["case_id"] == name)
    found = brain_mask(read_quietly(folder / row["t1"]))
    labels = read_labels(folder / row["dlmuse"]).array
    assert dice(found.array, labels > 0) > 0.96
