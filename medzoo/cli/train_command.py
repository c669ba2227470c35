"""`medzoo train NAME ...`: the arguments; medzoo.training.train does the work."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path

from medzoo.cli.bids_arguments import add_labelled_cases
from medzoo.cli.parser import add_name, add_target, add_threads, thread_count
from medzoo.data.store.storage_modes import MODES
from medzoo.errors import InputError
from medzoo.training.precision import PRECISIONS
from medzoo.zoo.hub.model_files import ready_weights
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve


@dataclass(frozen=True)
class TrainOptions:
    """What `medzoo train` was asked for.

    Attributes:
        name: The model as the user wrote it.
        folder: The folder with the recipe to follow.
        cases: The cases.csv to train on, or None with `data`.
        data: "KIND:FOLDER" of a data set in its own layout, or None.
        output: Folder of checkpoints and result; an earlier run there is resumed.
        target: "COLUMN" or "COLUMN:CODES.csv" instead of the recipe's, or None.
        fine_tune: Whether to start from the model's weights.
        start: Path of these weights, verified, or None.
        threads: CPU threads at most, or None.
        precision: What to compute in instead of the recipe's dtype, or None.
        accumulate: Batches a step of the optimizer, or None for the recipe's.
        rematerialize: Whether to compute twice what is then not kept in memory.
        workers: Threads that make batches, or None.
        feed: Where prepared scans are meanwhile.
        restart: Whether to remove an earlier run first.
    """

    name: str
    folder: Path
    cases: Path | None
    data: str | None
    output: Path
    target: str | None
    fine_tune: bool
    start: Path | None
    threads: int | None
    precision: str | None = None
    accumulate: int | None = None
    rematerialize: bool = False
    workers: int | None = None
    feed: str = "memory"
    restart: bool = False


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
    parser.add_argument(
        "--fine-tune",
        action="store_true",
        help="start from the model's weights, with small steps",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of checkpoints and result; an earlier run there is resumed",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="remove an earlier run in DIR; without, it goes on, if data and recipe "
        "are those that it began with",
    )
    add_target(parser)
    add_threads(parser)
    _add_step(parser)


def _add_step(parser: ArgumentParser) -> None:
    """Adds the arguments on how a step of training is made."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="training precision, instead of the recipe's dtype",
    )
    parser.add_argument(
        "--accumulate",
        type=thread_count,
        metavar="N",
        help="gradient accumulation over N batches",
    )
    parser.add_argument(
        "--rematerialize",
        action="store_true",
        help="gradient checkpointing: less memory, the same results, more time",
    )
    parser.add_argument(
        "--workers",
        type=thread_count,
        metavar="N",
        help="threads that make batches meanwhile; one for every two cores if not "
        "given; results do not depend on it",
    )
    parser.add_argument(
        "--feed",
        choices=MODES,
        default="memory",
        help="where prepared scans are: in memory; cached, on disk and read in parts; "
        "or streamed, prepared again whenever they are needed",
    )


def read_options(values: Namespace) -> TrainOptions:
    """Makes the options of the parsed arguments.

    Raises:
        InputError: Unknown model.
    """
    given = (values.cases, values.data, values.bids)
    if sum(one is not None for one in given) != 1:
        raise InputError(
            "train takes one of --cases, --data and --bids. Received: "
            f"cases={values.cases}, data={values.data}, bids={values.bids}. "
            "Give exactly one."
        )
    folder = resolve(values.name)
    recipe = read_recipe(folder)
    wanted = values.fine_tune and recipe.weights is not None
    return TrainOptions(
        name=values.name,
        folder=folder,
        cases=values.cases if values.bids is None else f"bids:{values.bids}",
        data=values.data,
        output=values.output,
        target=values.target,
        fine_tune=values.fine_tune,
        start=ready_weights(folder, recipe) if wanted else None,
        threads=values.threads,
        precision=values.precision,
        accumulate=values.accumulate,
        rematerialize=values.rematerialize,
        workers=values.workers,
        feed=values.feed,
    )


def run(values: Namespace) -> int:
    """Trains; gives the exit code."""
    options = replace(read_options(values), restart=values.restart)
    recipe = read_recipe(options.folder).to_dict()
    from medzoo.zoo.quiet_keras import import_keras

    import_keras(options.threads)
    from medzoo.training import train

    return train.run(recipe, options)
