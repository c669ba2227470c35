"""`medzoo search NAME ...`: calls medzoo.search."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.parser import thread_count
from medzoo.cli.training_arguments import add_training, run_training


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_training(
        parser,
        "search",
        "output folder; `medzoo train DIR/best` trains with what was found",
    )
    parser.add_argument(
        "--space",
        type=Path,
        required=True,
        metavar="SPACE.json",
        help="settings of the recipe and their ranges, such as "
        '{"training.learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}}',
    )
    parser.add_argument(
        "--trials",
        type=thread_count,
        required=True,
        metavar="N",
        help="trials in all, those of an interrupted search included",
    )


def run(values: Namespace) -> int:
    """Searches; gives the exit code."""
    from medzoo.zoo.search import search

    return run_training(
        values, "search", search, space=values.space, trials=values.trials
    )
