import pytest

from medzoo.errors import InputError
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.cards.pages import check_cards, render_index, write_cards
from medzoo.zoo.info import LICENCE_NOTE

SECTIONS = [
    "## What it is",
    "## Use",
    "## Measured",
    "## By group",
    "## On other data",
    "## Cost",
    "## Data and their licences",
    "## Licence of the weights",
    "## Intended use",
    "## Limits, and what it must not be used for",
    "## Citation",
    "## Provenance",
]


def headings(card):
    return [line for line in card.splitlines() if line.startswith("## ")]


def test_card_has_every_section(add_model, metrics):
    assert headings(render_card(add_model(measured=metrics))) == SECTIONS


def test_card_prints_the_numbers_of_metrics(add_model, metrics):
    card = render_card(add_model(measured=metrics))

    assert "| Metric | This model [95 %] | Cases | mean age |" in card
    row = "| mae | 4.02 [3.50, 4.60] years | 140 | 13.7 [12.5, 15.0] |"
    assert row in card
    assert "| r | 0.953 [0.930, 0.970] | 140 | - |" in card
    assert "| female | mae | 4.11 years | 77 |" in card
    assert "| Other scanner | mae | 6.66 | 40 |" in card
    assert "- seconds warm: 1.25" in card
    assert "- Parameters: 1,234,567" in card
    assert "5-fold cross-validation, 140 cases" in card


def test_card_says_what_the_recipe_says(add_model, content):
    card = render_card(add_model())

    assert f"- sha256: `{content['weights']['sha256']}`" in card
    assert "- Version: 1.2" in card
    assert "- Bytes: 123" in card
    assert 'model = medzoo.load("tiny_age")' in card
    assert "medzoo predict tiny_age scan.nii.gz --json" in card
    assert "- Answer: a value in years" in card
    assert LICENCE_NOTE in card
    assert "CC-BY-SA-3.0." in card
    for text in (content["intended_use"], content["citation"], *content["limits"]):
        assert text in card
    assert "Not a medical device" in card


def test_card_without_metrics_shows_no_numbers_of_its_own(add_model):
    card = render_card(add_model())

    assert "Not measured yet." in card
    assert "## By group" not in card
    assert "95 %" not in card


def test_card_changes_only_with_its_two_files(add_model, metrics):
    folder = add_model(measured=metrics)
    before = render_card(folder)
    (folder / "out_of_fold.csv").write_text("case_id\n")
    (folder / "card.md").write_text("old")
    assert render_card(folder) == before

    metrics["metrics"]["mae"]["value"] = 3.97
    assert "3.97 [3.50, 4.60]" in render_card(add_model(measured=metrics))


def test_undefined_number_is_a_dash(add_model, metrics):
    metrics["metrics"]["r"] = {"value": None, "ci95": None, "n": 1}

    assert "| r | - | 1 | - |" in render_card(add_model(measured=metrics))


def test_text_cannot_break_out_of_its_place(add_model):
    folder = add_model(intended_use="<script>x</script>", summary="a | b")
    card = render_card(folder)

    assert "<script>" not in card
    assert "Made up \\| heads" in card
    assert "| a \\| b |" in render_index(folder.parent)


def test_several_channels_are_named_in_use(add_model):
    channels = [
        {"name": "t1", "required": True},
        {"name": "flair", "required": True},
        {"name": "t2", "required": False},
    ]
    card = render_card(add_model(channels=channels))

    assert '{"t1": "t1.nii.gz", "flair": "flair.nii.gz"}' in card
    assert "--channel t1=t1.nii.gz --channel flair=flair.nii.gz --json" in card
    assert "- Input: t1, flair, t2 (optional)" in card


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


def test_readme_without_marks_is_left_alone(add_model, tmp_path):
    (tmp_path / "README.md").write_text("mine\n", encoding="utf-8")
    write_cards(add_model().parent)

    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine\n"


def test_installed_package_is_not_written(add_model, tmp_path):
    zoo = add_model().parent.rename(tmp_path / "_zoo_models")

    with pytest.raises(InputError, match="checkout"):
        write_cards(zoo)
