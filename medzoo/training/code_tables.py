"""Tables of codes that a recipe names, brought beside a trained model."""

import re
import shutil
from pathlib import Path

from medzoo.files import replace_atomically

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def bring_tables(recipe, tables, output):
    """Copies the tables of codes of a recipe's sources into a folder.

    A recipe names files that lie beside it: a path of this machine, as `--target
    COLUMN:CODES.csv` gives it, would mean nothing to anybody else.

    Args:
        recipe: dict.
        tables: path of the folder that relative names lie in, or None.
        output: path of a folder.

    Returns:
        The recipe, with the names that the tables have in `output`.
    """
    training = recipe["training"]
    sources = (training.get("options") or {}).get("sources") or {}
    named, taken = {}, {}
    for name, source in sources.items():
        codes = source.get("codes") if isinstance(source, dict) else None
        if codes is None:
            continue
        place = Path(tables or "") / codes
        named[name] = _own_name(place, taken)
        goal = Path(output) / named[name]
        if place.is_file() and place.resolve() != goal.resolve():
            with replace_atomically(goal) as temporary:
                shutil.copyfile(place, temporary)
    if not named:
        return recipe
    changed = {
        name: {**source, "codes": named[name]} if name in named else source
        for name, source in sources.items()
    }
    options = {**training["options"], "sources": changed}
    return {**recipe, "training": {**training, "options": options}}


def _own_name(place, taken):
    """A name that a recipe may hold, another one for each of different tables."""
    wanted = place.name if _NAME.fullmatch(place.name) else "codes.csv"
    name, number = wanted, 2
    while taken.setdefault(name, place) != place:
        name = f"{number}_{wanted}"[:128]
        number += 1
    return name
