"""`medzoo search NAME ...`: calls medzoo.search."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.bids_arguments import add_labelled_cases, labelled_cases
from medzoo.cli.parser import add_name, add_target, add_threads, thread_count
from medzoo.cli.train_command import EXIT_DONE, EXIT_INTERRUPTED
from medzoo.errors import Terminated
from medzoo.training.precision import PRECISIONS


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
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
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="output folder; `medzoo train DIR/best` trains with what was found; an "
        "earlier search there is resumed",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="discard an earlier search in DIR instead of resuming it",
    )
    add_target(parser)
    add_threads(parser)
    _add_step(parser)


def _add_step(parser: ArgumentParser) -> None:
    """Adds the arguments on how a step of training is made, as of `medzoo train`."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="training precision, instead of the recipe's dtype",
    )
    for name, text in (
        ("workers", "parallel workers that prepare scans and batches"),
        ("devices", "devices that share each batch (default: 1)"),
    ):
        parser.add_argument(f"--{name}", type=thread_count, metavar="N", help=text)


def run(values: Namespace) -> int:
    """Searches; gives the exit code."""
    cases = labelled_cases(values, "search")
    from medzoo.cli.training_log import training_log
    from medzoo.zoo.search import search

    log = training_log()
    try:
        with log:
            folder = search(
                values.name,
                cases,
                values.output,
                space=values.space,
                trials=values.trials,
                target=values.target,
                restart=values.restart,
                precision=values.precision,
                workers=values.workers,
                devices=values.devices,
                threads=values.threads,
                log=log,
            )
    except Terminated:
        log(f"stopped; the same command goes on from {values.output}")
        return EXIT_INTERRUPTED
    sys.stdout.write(f"{folder}\n")
    return EXIT_DONE
