"""dataset: batches that fit takes, the same for the same seed."""

import numpy as np
import pytest

from medzoo.data.feeds.case_dataset import CaseDataset, _times_before
from medzoo.data.feeds.dataset import dataset
from medzoo.errors import InputError, RecipeError

# Each data set would compile its augmentation; test_golden_batches has compiled ones.
pytestmark = pytest.mark.usefixtures("eagerly")


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


def test_a_case_that_is_drawn_again_is_another_version_of_it():
    np.testing.assert_array_equal(
        _times_before(np.array([4, 7, 4, 4, 7])), [0, 0, 1, 2, 1]
    )

    class Draws:
        def draw(self, index, generator):
            return np.full((1, 1, 1, 1), generator.random(), np.float32)

    data = CaseDataset.__new__(CaseDataset)
    data.seed = data.epoch = 0
    data.augment, data.variants = True, Draws()
    drawn = [float(data._sample(97, before).item()) for before in (0, 1, 2)]
    assert len(set(drawn)) == 3
