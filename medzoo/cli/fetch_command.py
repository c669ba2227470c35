"""`medzoo fetch NAME... | --all`: makes models ready to be loaded without network."""

import sys
from argparse import ArgumentParser, Namespace

from medzoo.errors import InputError, MedzooError
from medzoo.zoo.fetch import fetch
from medzoo.zoo.registry import list_models


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a model of the zoo, or hf://ORG/REPO[@REVISION]",
    )
    parser.add_argument(
        "--all", action="store_true", help="every model of the zoo (see `medzoo list`)"
    )


def run(values: Namespace) -> int:
    """Fetches, and prints name and path of the weights; gives the exit code."""
    if bool(values.names) == values.all:
        received = "both" if values.all else "neither"
        raise InputError(
            f"fetch takes names or --all. Received: {received}. Give one of them."
        )
    names, failed = list_models() if values.all else values.names, 0
    for name in names:
        try:
            path = fetch(name)
        except MedzooError as error:
            failed += 1
            sys.stderr.write(f"medzoo: error: {error}\n")
            continue
        sys.stdout.write(f"{name}  {path}\n")
    if not failed:
        return 0
    return 2 if failed == len(names) else 1
