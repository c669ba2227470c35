"""`medzoo dicom DIR`: lists the series that are there, or writes one as an image."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.parser import add_json, on_disk
from medzoo.cli.series_table import table
from medzoo.errors import InputError

EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "place",
        type=Path,
        metavar="DIR",
        help="a folder of DICOM files, a zip, a DICOMDIR or one file",
    )
    parser.add_argument(
        "--series",
        metavar="N|UID|DESCRIPTION",
        help="the series to write, as listed",
    )
    parser.add_argument(
        "--channel",
        metavar="CHANNEL",
        help="the contrast to write if no series is given: t1, flair, ...",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        metavar="FILE",
        help="write the series as an image (.nii.gz, ...) instead of listing",
    )
    parser.add_argument(
        "--resample",
        action="store_true",
        help="resample unevenly spaced slices instead of refusing them",
    )
    add_json(parser)


def run(values: Namespace) -> int:
    """Lists or converts; gives the exit code."""
    if values.output is None:
        return _list(values.place, as_json=values.json)
    from medzoo.io import write
    from medzoo.io.dicom import read_dicom
    from medzoo.volume import Volume

    if values.output.exists():
        raise InputError(
            "A converted series must not replace a file. Received: "
            f"output={values.output}, which is there. Choose another name."
        )
    chosen = {"series": values.series, "channel": values.channel}
    array, affine, notes = read_dicom(values.place, resample=values.resample, **chosen)
    for note in notes:
        sys.stderr.write(f"medzoo: {note}\n")
    write(Volume(array, affine), values.output)
    return EXIT_ALL


def _list(place: Path, *, as_json: bool) -> int:
    """Prints the list; 1 where files are damaged, 2 where there is no series."""
    from medzoo.io.dicom import list_series

    rows, damaged = list_series(place)
    if as_json:
        told = [row.to_dict() for row in rows]
        sys.stdout.write(json.dumps(told, indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(table(rows))
    if damaged:
        sys.stderr.write(f"medzoo: {damaged} DICOM files are damaged\n")
    if not rows:
        sys.stderr.write(f"medzoo: error: no DICOM images in {place}\n")
        return EXIT_NONE
    return EXIT_SOME if damaged else EXIT_ALL
