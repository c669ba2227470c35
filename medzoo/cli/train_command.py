"""`medzoo train NAME ...`: calls medzoo.train."""

from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import thread_count
from medzoo.cli.training_arguments import add_training, run_training
from medzoo.data.store.storage_modes import MODES


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_training(parser, "run", "output folder for checkpoints and the model")
    parser.add_argument(
        "--fine-tune",
        action="store_true",
        help="start from the model's weights, with a small learning rate",
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
        "--feed",
        choices=MODES,
        default="memory",
        help="where prepared scans are kept: memory; cached (memory-mapped files); "
        "or streamed (prepared again for each use)",
    )


def run(values: Namespace) -> int:
    """Trains; gives the exit code."""
    from medzoo.zoo.train import train

    return run_training(
        values,
        "train",
        train,
        fine_tune=values.fine_tune,
        accumulate=values.accumulate,
        rematerialize=values.rematerialize or None,
        feed=values.feed,
    )
