"""Tables of codes come with the model that was trained with them."""

import pytest

from medzoo.training.code_tables import bring_tables


@pytest.fixture
def tables(tmp_path):
    for place in ("zoo/silver.csv", "mine/silver.csv", "mine/my codes.csv"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(place)
    (tmp_path / "out").mkdir()
    return tmp_path


def test_a_trained_recipe_names_tables_that_lie_beside_it(tables):
    sources = {
        "manual": {"rate": 0.5},
        "silver": {"codes": "silver.csv"},
        "own": {"codes": str(tables / "mine" / "silver.csv")},
        "again": {"codes": str(tables / "mine" / "silver.csv")},
        "spaced": {"codes": str(tables / "mine" / "my codes.csv")},
    }
    recipe = {"training": {"options": {"sources": sources, "margin": 2}}}
    brought = bring_tables(recipe, tables / "zoo", tables / "out")

    named = brought["training"]["options"]["sources"]
    names = [source.get("codes") for source in named.values()]
    assert names == [None, "silver.csv", "2_silver.csv", "2_silver.csv", "codes.csv"]
    found = [(tables / "out" / name).read_text() for name in names[1:]]
    assert found == ["zoo/silver.csv", *["mine/silver.csv"] * 2, "mine/my codes.csv"]
    assert brought["training"]["options"]["margin"] == 2
    assert recipe["training"]["options"]["sources"] is sources


def test_a_recipe_without_tables_stays_as_it_is(tables):
    recipe = {"training": {"epochs": 3}}
    assert bring_tables(recipe, None, tables / "out") is recipe
    assert not list((tables / "out").iterdir())
