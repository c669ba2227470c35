"""WholeCases: scans on the network's grid, as they are and stripped."""

import numpy as np

from medzoo.data.cases.training_views import View
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.datasets.read_cases import read_cases


def test_stripped_view_has_nothing_outside_the_regions(study, recipe):
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
    cases = read_cases(study, recipe["channels"])[:2]
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    (kept,) = tmp_path.glob("*/image.npy")
    again = prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    np.testing.assert_array_equal(np.load(kept), again["image"])
    recipe["preprocessing"]["spatial"][1]["arguments"]["spacing"] = 11.0
    prepared_cases(cases, recipe, views=[View()], folder=tmp_path).get(0)
    assert len(list(tmp_path.glob("*/image.npy"))) == 2
