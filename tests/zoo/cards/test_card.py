from medzoo.zoo.cards.card import render_card
from medzoo.zoo.cards.pages import render_index
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
    assert "- Output: a value in years" in card
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
