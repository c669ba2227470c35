"""What models a server offers."""

import shutil

import pytest

from medzoo.errors import MedzooError, MedzooWarning
from medzoo.serve import offered_models
from medzoo.serve.offered_models import offered


@pytest.fixture
def faulty(models, tmp_path):
    """A model folder whose recipe is cut off."""
    folder = tmp_path / "tiny_sex"
    shutil.copytree(models["tiny_sex"], folder)
    text = (folder / "recipe.json").read_text(encoding="utf-8")
    (folder / "recipe.json").write_text(text[:100], encoding="utf-8")
    return str(folder)


def test_a_faulty_model_of_the_zoo_is_left_out_with_a_warning(
    models, faulty, monkeypatch
):
    zoo = [faulty, str(models["tiny_age"])]
    monkeypatch.setattr(offered_models, "list_models", lambda: zoo)

    with pytest.warns(MedzooWarning, match="tiny_sex is not offered: "):
        found = offered([])

    assert list(found) == ["tiny_age"]


def test_a_faulty_model_that_was_named_is_an_error(models, faulty):
    with pytest.raises(MedzooError, match=r"recipe\.json"):
        offered([str(models["tiny_age"]), faulty])
