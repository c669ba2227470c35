"""`medzoo download ixi FOLDER`: fetches a public data set and lists it in cases.csv."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

DATA_SETS = ("ixi",)
SEQUENCES = ("t1", "t2", "pd")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument("name", choices=DATA_SETS, metavar="ixi", help="the data set")
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="target folder; an interrupted download is resumed",
    )
    parser.add_argument(
        "--sequences",
        type=_sequences,
        default=SEQUENCES,
        metavar="t1,t2,pd",
        help="which images, 3 to 5 GB each (default: all three)",
    )
    parser.add_argument(
        "--keep-archives",
        action="store_true",
        help="keep the archives after unpacking",
    )


def _sequences(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not set(names) <= set(SEQUENCES):
        raise ArgumentTypeError(f"must be of {','.join(SEQUENCES)}. Received: {text!r}")
    return names


def run(values: Namespace) -> int:
    """Fetches; prints the path of the cases.csv; gives the exit code."""
    from medzoo.datasets.ixi import download_ixi

    table = download_ixi(
        values.folder,
        values.sequences,
        keep_archives=values.keep_archives,
        say=_say,
        progress=_Progress(),
    )
    sys.stdout.write(f"{table}\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


class _Progress:
    """A line for each twentieth of a large file."""

    def __init__(self) -> None:
        self._last = None

    def __call__(self, name: str, done: int, total: int | None) -> None:
        part = int(20 * done / total) if total else done >> 28
        if total and total > 1 << 24 and (name, part) != self._last:
            self._last = (name, part)
            sys.stderr.write(f"{name}: {done / 1e9:.2f} of {total / 1e9:.2f} GB\n")
