"""All cards, MODEL_CARDS.md and the tables in other pages: written, checked."""

import re
from pathlib import Path

from medzoo.errors import InputError
from medzoo.files import write_text_atomically
from medzoo.zoo.cards import markdown as md
from medzoo.zoo.cards.card import CARD_FILE, GENERATED, RESEARCH_ONLY, render_card
from medzoo.zoo.info import LICENCE_NOTE
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.registry import list_models, read_entry, zoo_folder

INDEX_FILE = "MODEL_CARDS.md"
# Pages that carry a table between two such lines; where they are not, nothing.
_BETWEEN = "<!-- medzoo cards: table of {what} {end} -->"
_LICENCES_PAGE = "docs/guides/licences.md"
# What licences that forbid commercial use have in their SPDX name.
_NON_COMMERCIAL = "NC"


def render_table(folder: str | Path | None = None, prefix: str = "zoo_models") -> str:
    """Writes the table of all models.

    Args:
        folder: A zoo folder to read instead of medzoo's own.
        prefix: Path from the page with the table to the zoo folder, for the links.

    Returns:
        A Markdown table, one row a model.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    rows = []
    for name in list_models(folder):
        recipe = read_entry(folder / name)
        measured = read_metrics(folder / name, recipe) or {"metrics": {}}
        first = next(iter(measured["metrics"].items()), None)
        rows.append(
            [
                f"[{name}]({prefix}/{name}/{CARD_FILE})",
                md.plain(recipe.summary),
                ", ".join(channel["name"] for channel in recipe.channels),
                f"{md.label(first[0])} {md.measurement(first[1])}" if first else "-",
                str(first[1].get("n", "-")) if first else "-",
                recipe.licence,
            ]
        )
    header = ["Model", "What it does", "Input", "Measured [95 %]", "Cases"]
    return md.table([*header, "Weights' licence"], rows)


def render_licences(
    folder: str | Path | None = None, prefix: str = "zoo_models"
) -> str:
    """Writes the table of the licences of all weights.

    Args:
        folder: A zoo folder to read instead of medzoo's own.
        prefix: Path from the page with the table to the zoo folder, for the links.

    Returns:
        A Markdown table, one row a model.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    rows = []
    for name in list_models(folder):
        licence = read_entry(folder / name).licence
        forbidden = _NON_COMMERCIAL in licence.split("-")
        link = f"[{name}]({prefix}/{name}/{CARD_FILE})"
        rows.append([link, licence, "no" if forbidden else "see the licence"])
    return md.table(["Weights", "Licence", "Commercial use"], rows)


def render_index(folder: str | Path | None = None) -> str:
    """Writes MODEL_CARDS.md: the table of models, and where its numbers come from.

    Args:
        folder: A zoo folder to read instead of medzoo's own.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    parts = (
        GENERATED,
        "# Models",
        render_table(folder, prefix=folder.name),
        "Each card describes how the model was evaluated and where it fails.",
        LICENCE_NOTE,
        RESEARCH_ONLY,
    )
    return "\n\n".join(parts) + "\n"


def write_cards(folder: str | Path | None = None) -> list[Path]:
    """Writes every card, MODEL_CARDS.md and the tables in other pages if they differ.

    Args:
        folder: A zoo folder to use instead of medzoo's own; README.md, MODEL_CARDS.md
            and docs/ stand beside it.

    Returns:
        The files that changed.

    Raises:
        InputError: medzoo is an installed wheel, whose files are not to be written.
    """
    pages = _pages(folder)
    changed = _stale(pages)
    for path in changed:
        write_text_atomically(path, pages[path])
    return changed


def check_cards(folder: str | Path | None = None) -> list[Path]:
    """Finds the files that `write_cards` would change.

    Args:
        folder: A zoo folder to use instead of medzoo's own.

    Returns:
        The stale or missing files.
    """
    return _stale(_pages(folder))


def _pages(folder: str | Path | None) -> dict[Path, str]:
    folder = zoo_folder() if folder is None else Path(folder)
    if folder.name == "_zoo_models":
        raise InputError(
            f"Cards are written in a checkout of medzoo, not in an installed package. "
            f"Received: folder={folder}. Install the checkout with pip install -e."
        )
    pages = {
        folder / name / CARD_FILE: render_card(folder / name)
        for name in list_models(folder)
    }
    pages[folder.parent / INDEX_FILE] = render_index(folder)
    readme, licences = folder.parent / "README.md", folder.parent / _LICENCES_PAGE
    if readme.is_file():
        table = render_table(folder, prefix=folder.name)
        pages[readme] = _with_table(readme, "models", table)
    if licences.is_file():
        table = render_licences(folder, prefix=f"../../{folder.name}")
        pages[licences] = _with_table(licences, "licences", table)
    return pages


def _with_table(page: Path, what: str, table: str) -> str:
    text = page.read_text(encoding="utf-8")
    begin, end = (_BETWEEN.format(what=what, end=end) for end in ("begins", "ends"))
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    block = f"{begin}\n{table}\n{end}"
    return re.sub(pattern, lambda _: block, text, flags=re.DOTALL)


def _stale(pages: dict[Path, str]) -> list[Path]:
    return [
        path
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
