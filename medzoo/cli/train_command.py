"""`medzoo train NAME ...`: the arguments; medzoo.training.command does the work."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from medzoo.cli.parser import add_name, add_target, add_threads
from medzoo.zoo.recipe import read_recipe
from medzoo.zoo.registry import resolve


@dataclass(frozen=True)
class TrainOptions:
    """What `medzoo train` was asked for.

    Attributes:
        name: The model as the user wrote it.
        folder: The folder with the recipe to follow.
        cases: The cases.csv to train on.
        output: Folder of checkpoints and result; an earlier run there is resumed.
        target: "COLUMN" or "COLUMN:CODES.csv" instead of the recipe's, or None.
        threads: CPU threads at most, or None.
    """

    name: str
    folder: Path
    cases: Path
    output: Path
    target: str | None
    threads: int | None


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    parser.add_argument(
        "--cases",
        type=Path,
        required=True,
        metavar="CASES.csv",
        help="a table with one case a row",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of checkpoints and result; an earlier run there is resumed",
    )
    add_target(parser)
    add_threads(parser)


def read_options(values: Namespace) -> TrainOptions:
    """Makes the options of the parsed arguments.

    Raises:
        InputError: Unknown model.
    """
    return TrainOptions(
        name=values.name,
        folder=resolve(values.name),
        cases=values.cases,
        output=values.output,
        target=values.target,
        threads=values.threads,
    )


def run(values: Namespace) -> int:
    """Trains; gives the exit code."""
    options = read_options(values)
    recipe = read_recipe(options.folder).to_dict()
    from medzoo.zoo.quiet_keras import import_keras

    import_keras(options.threads)
    from medzoo.training import command

    return command.run(recipe, options)
