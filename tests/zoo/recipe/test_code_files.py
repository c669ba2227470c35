"""Tables of codes that go where their recipe goes."""

from medzoo.zoo.recipe.code_files import code_files
from medzoo.zoo.registry import list_models, read_entry, zoo_folder


def test_tables_of_the_target_and_of_all_sources_are_found():
    sources = {"a": {"codes": "a.csv"}, "b": {"codes": "t.csv"}, "c": {"rate": 1}}
    training = {"options": {"sources": sources}}
    content = {"target": {"codes": "t.csv"}, "training": training}
    assert code_files(content) == ["t.csv", "a.csv"]
    assert code_files({"target": None, "training": {}}) == []


def test_tables_of_the_zoo_lie_beside_their_recipes():
    named = {
        n: code_files(read_entry(zoo_folder() / n).to_dict()) for n in list_models()
    }
    assert named["brain_regions_unet"] == ["manual_codes.csv", "silver_codes.csv"]
    for name, files in named.items():
        assert all((zoo_folder() / name / file).is_file() for file in files)
