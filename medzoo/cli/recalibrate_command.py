"""`medzoo recalibrate NAME ...`: calls medzoo.recalibrate."""

import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.bids_arguments import add_labelled_cases, labelled_cases
from medzoo.cli.parser import add_name, add_target, add_threads, on_disk


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        required=True,
        metavar="DIR",
        help="folder for the new model, which is then used like a name",
    )
    add_target(parser)
    add_threads(parser)


def run(values: Namespace) -> int:
    """Recalibrates; gives the exit code."""
    cases = labelled_cases(values, "recalibrate")
    from medzoo.zoo.recalibrate import recalibrate

    folder = recalibrate(
        values.name,
        cases,
        values.output,
        target=values.target,
        threads=values.threads,
        log=lambda line: sys.stderr.write(f"{line}\n"),
    )
    sys.stdout.write(f"{folder}\n")
    return 0
