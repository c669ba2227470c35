"""--series: which series of a DICOM folder, zip or DICOMDIR is meant."""

from argparse import ArgumentParser
from pathlib import Path

from medzoo.errors import InputError


def add_series(parser: ArgumentParser, *, channels: bool = True) -> None:
    """Adds --series.

    Args:
        parser: Of the command.
        channels: Whether it takes several channels, each of which may have a series.
    """
    what = "the series of a DICOM folder to use, as listed by `medzoo dicom DIR`"
    parser.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="[CHANNEL=]N|UID|DESCRIPTION" if channels else "N|UID|DESCRIPTION",
        help=f"{what}; repeat for further channels" if channels else what,
    )


def with_series(images, channels, series):
    """Names the series in the paths, as "FOLDER#SERIES".

    Args:
        images: list of Path.
        channels: dict of channel -> Path.
        series: list of str, as on the command line.

    Returns:
        The images and the channels.

    Raises:
        InputError: for a series without an image that it could be of.
    """
    images, channels = list(images), dict(channels)
    for text in series:
        name, equals, wanted = text.partition("=")
        if equals and name in channels:
            channels[name] = _named(channels[name], wanted)
        elif len(images) == 1 and not channels:
            images[0] = _named(images[0], text)
        elif len(channels) == 1 and not images:
            only = next(iter(channels))
            channels[only] = _named(channels[only], text)
        else:
            raise InputError(
                "A series must be of one image or of a named channel. Received: "
                f"series={text!r}. Write --series CHANNEL=N, or FOLDER#N in a table."
            )
    return images, channels


def _named(path, series):
    if not series or "#" in series:
        raise InputError(
            f"A series must be a number, UID or description. Received: {series!r}. "
            "See `medzoo dicom DIR`."
        )
    return Path(f"{path}#{series}")
