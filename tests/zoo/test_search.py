"""medzoo.search refuses a space that no recipe may have before any work."""

import pytest

from medzoo.errors import InputError, MissingFileError, RecipeError
from medzoo.zoo.search import search


@pytest.mark.parametrize(
    ("space", "error"),
    [
        ({"training.learning_rate": {"low": -1, "high": 1}}, RecipeError),
        ({"training.nothing": {"choices": [1]}}, RecipeError),
        ({"name": {"choices": ["other"]}}, InputError),
    ],
)
def test_what_no_recipe_may_have_is_refused(tmp_path, space, error):
    with pytest.raises(error, match=next(iter(space)).rpartition(".")[2]):
        search("ixi_age_resnet", "none.csv", tmp_path / "o", space=space, trials=1)
    assert not (tmp_path / "o").exists()


def test_a_space_that_is_not_there_is_told_by_its_path(tmp_path):
    space = tmp_path / "space.json"
    with pytest.raises(MissingFileError, match="Check the path"):
        search("ixi_age_resnet", "none.csv", tmp_path / "o", space=space, trials=1)
