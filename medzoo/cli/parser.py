"""The argument parser of the commands, and the kinds of values that they share."""

import argparse
import math
from pathlib import Path
from typing import NoReturn

from medzoo.errors import InputError


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser that raises InputError, a one-line message, on wrong use."""

    def __init__(self, **options):
        """Makes a parser that takes no abbreviations and keeps the help's lines."""
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        """Raises InputError with argparse's message."""
        raise InputError(f"{message}. See `{self.prog} --help`.")


def add_name(parser: argparse.ArgumentParser) -> None:
    """Adds the positional argument NAME."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a model of the zoo (see `medzoo list`), NAME@VERSION, a model folder, or "
        "hf://ORG/REPO[@REVISION]",
    )


def add_names(parser: argparse.ArgumentParser) -> None:
    """Adds the positional argument NAME[,NAME...]."""
    parser.add_argument(
        "name",
        metavar="NAME[,NAME...]",
        help="models of the zoo (see `medzoo list`), NAME@VERSION, model folders, or "
        "hf://ORG/REPO[@REVISION], separated by commas",
    )


def add_channels(parser: argparse.ArgumentParser) -> None:
    """Adds --channel, which is repeated."""
    parser.add_argument(
        "--channel",
        type=channel,
        action="append",
        default=[],
        dest="channels",
        metavar="CHANNEL=PATH",
        help="the image of one channel; repeat for further channels of the case",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds --json."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Adds --threads."""
    parser.add_argument(
        "--threads",
        type=thread_count,
        metavar="N",
        help="maximum number of CPU threads",
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Adds --engine and --precision."""
    parser.add_argument(
        "--engine",
        default="keras",
        help="inference backend: keras (default) or openvino (an extra)",
    )
    parser.add_argument(
        "--precision",
        help="inference precision: float32 (default) or, with openvino, bfloat16, "
        "faster where the processor supports it; see the model card for speed and "
        "numerical differences",
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Adds --target."""
    parser.add_argument(
        "--target",
        metavar="COLUMN[:CODES.csv]",
        help="target column, instead of the recipe's",
    )


def thread_count(text: str) -> int:
    """Reads a number of threads, 1 to 1024."""
    if text.isdecimal() and 1 <= int(text) <= 1024:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a whole number from 1 to 1024. Received: {text!r}"
    )


def spacing(text: str) -> tuple[float, float, float]:
    """Reads a voxel size in mm: one number, or three as x,y,z."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not all(
        math.isfinite(value) and 0.001 <= value <= 1000 for value in values
    ):
        raise argparse.ArgumentTypeError(
            f"must be one size or three (x,y,z) from 0.001 to 1000 mm. "
            f"Received: {text!r}"
        )
    return tuple(values)


def place(text: str) -> Path | str:
    """Reads a path, or a URL in an object store."""
    return image(text)


def image(text: str) -> Path | str:
    """Reads a path; "" is a variable that nobody set, not the working folder."""
    if not text:
        raise argparse.ArgumentTypeError(f"must be a path. Received: {text!r}")
    return text if "://" in text else Path(text)


def on_disk(text: str) -> Path:
    """Reads a path of what is written on disk alone, never to an object store."""
    if not text or "://" in text:
        raise argparse.ArgumentTypeError(f"must be a path on disk. Received: {text!r}")
    return Path(text)


def table(text: str) -> str:
    """Reads a table of cases, or a data set as `medzoo.predict` takes it."""
    if ":" in text or Path(text).suffix.lower() in (".csv", ".tsv"):
        return text
    raise argparse.ArgumentTypeError(f"must be a .csv or .tsv. Received: {text!r}")


def uncertainty(text: str) -> str | None:
    """Reads an uncertainty estimate; "none" asks for none."""
    return None if text == "none" else text


def shard(text: str) -> tuple[int, int]:
    """Reads I/N."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()) or not (
        1 <= int(number) <= int(count)
    ):
        raise argparse.ArgumentTypeError(
            "must be I/N with I from 1 to N, as "
            "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT of --array=1-20. "
            f"Received: {text!r}"
        )
    return int(number), int(count)


def cluster(text: str) -> str:
    """Reads the address of a cluster."""
    if text == "ray" or text.startswith("ray://"):
        return text
    raise argparse.ArgumentTypeError(
        f"must be ray or ray://HOST:PORT. Received: {text!r}"
    )


def years(text: str) -> float:
    """Reads an age."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 120:
        raise argparse.ArgumentTypeError(
            f"must be a number of years from 0 to 120. Received: {text!r}"
        )
    return value


def channel(text: str) -> tuple[str, Path | str]:
    """Reads one CHANNEL=PATH."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(
            f"must be CHANNEL=PATH, as t1=scan.nii.gz. Received: {text!r}"
        )
    return name, image(path)
