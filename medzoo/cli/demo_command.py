"""`medzoo demo [IMAGE]`: the arguments; medzoo.cli.demo does the work."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.parser import on_disk


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "image",
        type=Path,
        nargs="?",
        metavar="IMAGE",
        help="a scan (default: the MNI152 average of the nilearn package)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        default=Path("medzoo_demo.png"),
        metavar="PICTURE",
        help="picture file, .png, .pdf or .svg (default: %(default)s)",
    )


def run(values: Namespace) -> int:
    """Predicts with every model on one scan; gives the exit code."""
    from medzoo.cli import demo

    return demo.run(values.image, values.output)
