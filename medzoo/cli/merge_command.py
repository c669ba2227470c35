"""`medzoo merge DIR`: calls medzoo.batch.merged_table.merge."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="a folder that `medzoo predict --shard` wrote into; the table goes there",
    )


def run(values: Namespace) -> int:
    """Merges; gives the exit code."""
    from medzoo.batch.merged_table import merge

    sys.stdout.write(f"{merge(values.folder)}\n")
    return 0
