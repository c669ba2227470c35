"""What `medzoo train` and `medzoo search` share: arguments, and how they end."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from medzoo.cli.bids_arguments import add_labelled_cases, labelled_cases
from medzoo.cli.parser import (
    add_name,
    add_target,
    add_threads,
    on_disk,
    thread_count,
)
from medzoo.errors import Terminated
from medzoo.training.precision import PRECISIONS

EXIT_DONE, EXIT_INTERRUPTED = 0, 130


def add_training(parser: ArgumentParser, earlier: str, output: str) -> None:
    """Adds the model, its cases, the output folder, and how a step is made.

    Args:
        parser: Of the command.
        earlier: What may be there already, "run" or "search".
        output: What the output folder is for.
    """
    add_name(parser)
    add_labelled_cases(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        required=True,
        metavar="DIR",
        help=f"{output}; an earlier {earlier} there is resumed",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help=f"discard an earlier {earlier} in DIR instead of resuming it",
    )
    add_target(parser)
    add_threads(parser)
    _add_step(parser)


def _add_step(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="training precision, instead of the recipe's dtype",
    )
    parser.add_argument(
        "--workers",
        type=thread_count,
        metavar="N",
        help="number of parallel workers that prepare scans and batches (default: 2 "
        "scans, one batch per two cores); results do not depend on it",
    )
    parser.add_argument(
        "--devices",
        type=thread_count,
        metavar="N",
        help="data parallelism: N devices share each batch, whose size stays that "
        "of the recipe (default: 1); an interrupted one may resume on another number",
    )


def run_training(
    values: Namespace, command: str, call: Callable[..., Any], **options: Any
) -> int:
    """Calls a function that trains with what `add_training` read; gives the exit code.

    Args:
        values: The arguments of the command.
        command: Its name.
        call: `medzoo.train`, say: gets the model, the cases, the output folder, the
            shared options by name, `log`, and `options`; returns a folder.
        options: What this command has of its own.
    """
    cases = labelled_cases(values, command)
    from medzoo.cli.training_log import training_log

    log = training_log()
    try:
        with log:
            folder = call(
                values.name,
                cases,
                values.output,
                target=values.target,
                restart=values.restart,
                precision=values.precision,
                workers=values.workers,
                devices=values.devices,
                threads=values.threads,
                log=log,
                **options,
            )
    except Terminated:
        log(f"stopped; the same command goes on from {values.output}")
        return EXIT_INTERRUPTED
    sys.stdout.write(f"{folder}\n")
    return EXIT_DONE
