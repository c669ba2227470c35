"""`medzoo list`: the models of the zoo, as a table or as JSON."""

import json
import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import add_json
from medzoo.zoo.info import LICENCE_NOTE
from medzoo.zoo.registry import list_models, read_entry, zoo_folder

_COLUMNS = ("name", "version", "task", "licence", "summary")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_json(parser)


def run(values: Namespace) -> int:
    """Prints the models; gives the exit code."""
    folder = zoo_folder()
    recipes = [read_entry(folder / name) for name in list_models(folder)]
    rows = [{key: getattr(recipe, key) for key in _COLUMNS} for recipe in recipes]
    if values.json:
        sys.stdout.write(json.dumps(rows, indent=2, allow_nan=False) + "\n")
    elif rows:
        sys.stdout.write(f"{_table(rows)}\n\n{LICENCE_NOTE}\n")
    else:
        sys.stdout.write("This zoo holds no models.\n")
    return 0


def _table(rows: list[dict]) -> str:
    lines = [dict(zip(_COLUMNS, _COLUMNS, strict=True)), *rows]
    widths = {key: max(len(line[key]) for line in lines) for key in _COLUMNS}
    return "\n".join(
        "  ".join(line[key].ljust(widths[key]) for key in _COLUMNS).rstrip()
        for line in lines
    )
