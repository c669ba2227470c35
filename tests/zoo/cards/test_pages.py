import pytest

from medzoo.errors import InputError
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.cards.pages import check_cards, render_index, write_cards
from medzoo.zoo.info import LICENCE_NOTE


def test_index_lists_every_model(add_model, metrics):
    add_model(measured=metrics)
    zoo = add_model("other", summary="left | right").parent
    index = render_index(zoo)

    assert "[tiny_age](zoo_models/tiny_age/card.md)" in index
    assert "mae 4.02 [3.50, 4.60] years" in index
    assert "left \\| right" in index
    assert LICENCE_NOTE in index


def test_write_then_check(add_model, metrics, tmp_path):
    folder = add_model(measured=metrics)
    zoo, card, index = folder.parent, folder / "card.md", tmp_path / "MODEL_CARDS.md"
    assert check_cards(zoo) == [card, index]
    assert not card.exists()

    assert write_cards(zoo) == [card, index]
    assert card.read_text(encoding="utf-8") == render_card(folder)
    assert check_cards(zoo) == []
    assert write_cards(zoo) == []

    card.write_text(card.read_text(encoding="utf-8").replace("4.02", "1.02"))
    assert check_cards(zoo) == [card]


def test_readme_table_is_kept_between_its_marks(add_model, tmp_path):
    zoo = add_model().parent
    readme = tmp_path / "README.md"
    begin = "<!-- medzoo cards: table of models begins -->"
    end = "<!-- medzoo cards: table of models ends -->"
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")

    assert readme in check_cards(zoo)
    write_cards(zoo)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{begin}\n| Model |")
    assert text.endswith(f"|\n{end}\nafter\n")
    assert "old" not in text
    assert check_cards(zoo) == []


def test_the_table_of_licences_says_which_forbid_commercial_use(add_model, tmp_path):
    zoo = add_model("free", licence="CC-BY-4.0").parent
    add_model("narrow", licence="CC-BY-NC-4.0")
    page = tmp_path / "docs" / "guides" / "licences.md"
    page.parent.mkdir(parents=True)
    begin = "<!-- medzoo cards: table of licences begins -->"
    end = "<!-- medzoo cards: table of licences ends -->"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")

    assert page in write_cards(zoo)
    rows = page.read_text(encoding="utf-8").splitlines()
    link = f"../../{zoo.name}/narrow/card.md"
    assert f"| [narrow]({link}) | CC-BY-NC-4.0 | no |" in rows
    assert any(row.endswith("| CC-BY-4.0 | see the licence |") for row in rows)
    assert "old" not in rows
    assert check_cards(zoo) == []


def test_readme_without_marks_is_left_alone(add_model, tmp_path):
    (tmp_path / "README.md").write_text("mine\n", encoding="utf-8")
    write_cards(add_model().parent)

    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine\n"


def test_installed_package_is_not_written(add_model, tmp_path):
    zoo = add_model().parent.rename(tmp_path / "_zoo_models")

    with pytest.raises(InputError, match="checkout"):
        write_cards(zoo)
