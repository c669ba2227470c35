"""dataset: batches that fit takes, the same for the same seed."""

import numpy as np
import pytest

from medzoo.data.cases.training_views import View, read_views, strip
from medzoo.data.feeds.dataset import dataset
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.errors import InputError, RecipeError


def test_every_labelled_case_comes_once_an_epoch(study, recipe):
    data = dataset(study, recipe, batch_size=5)
    ages = np.concatenate([data[i][1][:, 0] for i in range(len(data))])
    assert sorted(ages) == [20.0 + 5 * i for i in range(12)]
    sizes = [len(data[i][0]) for i in range(len(data))]
    assert max(sizes) - min(sizes) <= 1


def test_same_seed_gives_the_same_batches_and_epochs_differ(study, recipe):
    one, other = (dataset(study, recipe, seed=4) for _ in range(2))
    first = one[1]
    np.testing.assert_array_equal(first[0], other[1][0])
    one.on_epoch_end()
    assert not np.array_equal(first[0], one[1][0])
    other.on_epoch_end()
    np.testing.assert_array_equal(one[1][0], other[1][0])


def test_splits_share_no_case_and_leave_none_out(study, recipe):
    parts = {
        split: dataset(study, recipe, split=split, augment=False, batch_size=12)
        for split in ("train", "validation", None)
    }
    ages = {k: set(p[0][1][:, 0]) for k, p in parts.items()}
    assert not ages["train"] & ages["validation"]
    assert ages["train"] | ages["validation"] == ages[None]


def test_kept_variants_are_few_and_fresh_ones_many(study, make_recipe):
    def versions(num_variants):
        recipe = make_recipe()
        view = recipe["training"]["views"][1]
        view.update(num_variants=num_variants, rate=1.0)
        recipe["training"]["views"][0]["rate"] = 0.0
        data = dataset(study, recipe, batch_size=12, shuffle=False)
        seen = set()
        for _ in range(6):
            seen.add(data[0][0][0].tobytes())
            data.on_epoch_end()
        return len(seen)

    assert versions(2) <= 2
    assert versions(0) == 6


def test_stripped_view_has_nothing_outside_the_regions(study, recipe):
    from medzoo.datasets.read_cases import read_cases

    cases = read_cases(study, recipe["channels"], target="age", columns=["regions"])
    prepared = prepared_cases(cases, recipe)
    whole, stripped = prepared.get(0)["image"], prepared.get(0, 1)["image"]
    assert (stripped > 1).sum() < 0.8 * (whole > 1).sum()
    ways = [prepared.preparation.ways(cases[number]) for number in (0, 3)]
    assert ways == [[0, 1], [0]]


def test_prepared_scans_are_found_again_and_only_for_the_same_recipe(
    tmp_path,
    study,
    recipe,
):
    from medzoo.datasets.read_cases import read_cases

    cases = read_cases(study, recipe["channels"])[:2]
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    (kept,) = tmp_path.glob("*/image.npy")
    again = prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    np.testing.assert_array_equal(np.load(kept), again["image"])
    recipe["preprocessing"]["spatial"][1]["arguments"]["spacing"] = 11.0
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    assert len(list(tmp_path.glob("*/image.npy"))) == 2


def test_strip_grows_the_mask_by_millimetres(head_phantom):
    head = head_phantom(spacing=4.0)
    brain = head_phantom(spacing=4.0, skull=False)
    labels = head.with_array((brain.array > 60).astype(np.uint8))
    tight = strip(head, labels, above=0, dilate_mm=0).array != 0
    wide = strip(head, labels, above=0, dilate_mm=8.0).array != 0
    radius = [(3 * mask.sum() * 64 / (4 * np.pi)) ** (1 / 3) for mask in (tight, wide)]
    assert 6 < radius[1] - radius[0] < 10
    with pytest.raises(InputError, match="above 5"):
        strip(head, labels, above=5, dilate_mm=0)


def test_first_view_must_be_the_scan_itself():
    by = {"column": "regions", "above": 0, "dilate_mm": 0}
    with pytest.raises(RecipeError, match="first view"):
        read_views({"views": [{"strip": by}]})
    with pytest.raises(RecipeError, match="Received"):
        read_views({"views": [{"flip": True}]})


def test_wrong_arguments_are_refused(study, recipe):
    with pytest.raises(InputError, match="split="):
        dataset(study, recipe, split="test")
    with pytest.raises(RecipeError, match="recipe"):
        dataset(study, object())
    with pytest.raises(InputError, match="batch_size=0"):
        dataset(study, recipe, batch_size=0)


@pytest.mark.parametrize("mode", ["cached", "streamed"])
def test_where_scans_are_kept_changes_no_batch(tmp_path, study, recipe, mode):
    keeping = {"mode": mode, "folder": tmp_path if mode == "cached" else None}
    expected = dataset(study, recipe, seed=3)
    found = dataset(study, recipe, seed=3, **keeping)
    for number in range(len(expected)):
        for one, other in zip(found[number], expected[number], strict=True):
            np.testing.assert_array_equal(one, other)
    if mode == "cached":
        assert isinstance(found.prepared.get(0)["image"], np.memmap)
    with pytest.raises(InputError, match="mode='disk'"):
        dataset(study, recipe, mode="disk")
