"""`medzoo cards`: writes the model cards, or checks that they are current."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.errors import InputError
from medzoo.zoo.cards.pages import check_cards, write_cards


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 2 and name the files that are not current",
    )


def run(values: Namespace) -> int:
    """Writes or checks the cards; gives the exit code."""
    return write_or_check(check=values.check)


def write_or_check(*, check: bool, folder: Path | None = None) -> int:
    """Writes the cards and names what changed, or refuses when one is stale.

    Raises:
        InputError: With `check`, when files are not current.
    """
    if not check:
        for path in write_cards(folder):
            sys.stdout.write(f"{path}\n")
        return 0
    stale = check_cards(folder)
    if stale:
        raise InputError(
            f"Cards must follow from recipe.json and metrics.json. Received: "
            f"stale={', '.join(str(path) for path in stale)}. Run `medzoo cards`."
        )
    return 0
