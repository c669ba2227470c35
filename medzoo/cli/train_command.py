"""`medzoo train NAME ...`: calls medzoo.train."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.bids_arguments import add_labelled_cases, labelled_cases
from medzoo.cli.parser import add_name, add_target, add_threads, thread_count
from medzoo.data.store.storage_modes import MODES
from medzoo.errors import Terminated
from medzoo.training.precision import PRECISIONS

EXIT_DONE, EXIT_INTERRUPTED = 0, 130


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
    parser.add_argument(
        "--fine-tune",
        action="store_true",
        help="start from the model's weights, with a small learning rate",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="output folder for checkpoints and the model; an earlier run there is "
        "resumed",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="discard an earlier run in DIR instead of resuming it",
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
        help="gradient checkpointing: less memory, more time, identical results",
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
        help="data parallelism: N devices share each batch, whose size stays that of "
        "the recipe (default: 1); a run may be resumed on another number",
    )
    parser.add_argument(
        "--feed",
        choices=MODES,
        default="memory",
        help="where prepared scans are kept: memory; cached (memory-mapped files); "
        "or streamed (prepared again for each use)",
    )


def run(values: Namespace) -> int:
    """Trains; gives the exit code."""
    cases = labelled_cases(values, "train")
    from medzoo.cli.training_log import training_log
    from medzoo.zoo.train import train

    log = training_log()
    try:
        with log:
            folder = train(
                values.name,
                cases,
                values.output,
                target=values.target,
                fine_tune=values.fine_tune,
                restart=values.restart,
                precision=values.precision,
                accumulate=values.accumulate,
                rematerialize=values.rematerialize or None,
                feed=values.feed,
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
