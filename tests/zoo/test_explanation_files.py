"""What the zoo's explanations compare with is made by the recipes that are there."""

import json
import re

import numpy as np
import pytest

from medzoo.explanation.latent_space import LATENT_FILE, LatentSpace
from medzoo.explanation.population import FILE, read_population
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.registry import find, zoo_folder

POPULATIONS = sorted(path.parent.name for path in zoo_folder().glob(f"*/{FILE}"))
CODES = sorted(path.parent.name for path in zoo_folder().glob(f"*/{LATENT_FILE}"))


def test_the_models_of_numbers_have_a_population():
    assert POPULATIONS == ["ixi_age_resnet", "ixi_sex_resnet"]
    assert CODES == ["ixi_representation_cae"]


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_population_is_of_the_recipe_that_is_there(name):
    folder = find(name)
    recipe = read_recipe(folder).to_dict()
    architecture = recipe["architecture"]["arguments"]
    shape = architecture["member"]["arguments"]["input_shape"]

    # Refused where the preprocessing changed: run docs/build_explanation_files.py.
    found = read_population(folder / FILE, recipe, shape)

    assert found.count >= 40
    assert np.ptp(found.mean) > 1


def test_a_file_of_codes_holds_no_code_and_no_name():
    path = find(CODES[0]) / LATENT_FILE
    content = json.loads(path.read_text())

    assert set(content) == {"mean", "axes", "variance", "people"}
    assert {len(person) for person in content["people"]} == {3}
    space = LatentSpace.read(path)
    np.testing.assert_allclose(space.places.std(axis=0, ddof=1), 1, atol=0.02)
    # All people of the training set whose age is known.
    used = read_recipe(find(CODES[0])).to_dict()["data"][0]["role"]
    trained, unknown = map(int, re.findall(r"(\d+) for training \((\d+) of", used)[0])
    assert len(space.ages) == trained - unknown
