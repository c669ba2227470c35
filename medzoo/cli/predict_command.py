"""`medzoo predict NAME ...`: the arguments; medzoo.batch.predict does the work."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.cli.bids_arguments import add_bids
from medzoo.cli.parser import (
    add_engine,
    add_json,
    add_names,
    add_threads,
    channel,
    image,
    spacing,
    years,
)
from medzoo.cli.series_choice import add_series, with_series
from medzoo.errors import InputError
from medzoo.zoo.resolve import resolve

if TYPE_CHECKING:
    from medzoo.reporting.sheet import ReportSheet


@dataclass(frozen=True)
class PredictOptions:
    """What `medzoo predict` was asked for; one of images, channels, cases is given.

    Attributes:
        name: The model as the user wrote it.
        folders: The folder of each model.
        images: One image of the first channel a case.
        channels: Channel -> image, of a single case.
        cases: A cases.csv, or None.
        output: Where results go, or None for stdout.
        json: Whether to print JSON.
        threads: CPU threads at most, or None.
        assume_affine: Spacing in mm for images without a spatial form, or None.
        uncertainty: What to say of the result's doubt, or None for the usual.
        probabilities: Whether to write the probabilities of a segmentation's classes.
        engine: What runs the network, "keras" or "openvino".
        precision: What the engine computes with, or None for its own choice.
        report: The HTML file to write, or None.
        age: Years of the person, or None where the table says or nobody knows.
        sex: Likewise.
        overwrite: Whether to replace what lies in the place of a result.
        keep_folders: Whether images go into folders named as those of the inputs.
        dicom_seg: Whether to write a segmentation as DICOM SEG too.
        aligned: Whether channels lie on each other, so that no motion is looked for.
        bids: A BIDS tree, or None.
        participants: Labels of its people; empty for all.
        bids_filter: What names of its scans must have, or None.
    """

    name: str
    folders: tuple[Path, ...]
    images: tuple[Path, ...]
    channels: dict[str, Path]
    cases: Path | None
    output: Path | None
    json: bool
    threads: int | None
    assume_affine: tuple[float, float, float] | None
    uncertainty: str | None
    probabilities: bool
    engine: str
    precision: str | None
    report: Path | None
    age: float | None = None
    sex: str | None = None
    overwrite: bool = False
    keep_folders: bool = False
    dicom_seg: bool = False
    aligned: bool = False
    bids: Path | None = None
    participants: tuple[str, ...] = ()
    bids_filter: dict[str, str] | None = None


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_names(parser)
    parser.add_argument(
        "images",
        type=image,
        nargs="*",
        metavar="IMAGE",
        help="an image of the model's first channel, a DICOM folder or zip too; "
        "several are several cases",
    )
    parser.add_argument(
        "--channel",
        type=channel,
        action="append",
        default=[],
        dest="channels",
        metavar="CHANNEL=PATH",
        help="an image of one channel; repeat it for the other channels of the case",
    )
    parser.add_argument(
        "--cases", type=Path, metavar="CASES.csv", help="a table with one case a row"
    )
    add_series(parser)
    add_bids(parser)
    _add_output(parser)
    _add_scans(parser)
    _add_person(parser)
    add_json(parser)
    add_threads(parser)
    add_engine(parser)
    parser.add_argument(
        "--assume-affine",
        type=spacing,
        metavar="MM",
        help="voxel spacing in mm (one, or x,y,z) for images without an affine",
    )


def _add_person(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--age",
        type=years,
        metavar="YEARS",
        help="age of the person, for centiles of volumes; a table has a column age",
    )
    parser.add_argument(
        "--sex",
        choices=("F", "M", "female", "male"),
        help="sex of the person, for centiles of volumes; a table has a column sex",
    )


def _add_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="a .csv, .tsv or .json for tables; an image file or folder for image "
        "outputs",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace what lies in the place of a result; without, only earlier "
        "results of the same input and model are replaced. Inputs never are",
    )
    parser.add_argument(
        "--keep-folders",
        action="store_true",
        help="mirror the folders of the inputs in OUT",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write one HTML file with views of each case, its result, what was "
        "checked, and the model's limits; it needs no network",
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="segmentation: also write the class probabilities",
    )
    parser.add_argument(
        "--uncertainty",
        metavar="KIND",
        help="uncertainty estimate to report: none, tta (test-time augmentation), "
        "ensemble (spread of the members) or entropy (segmentation); default: the "
        "calibrated interval where there is one",
    )


def _add_scans(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="the channels lie on each other: do not look for motion between them",
    )
    parser.add_argument(
        "--dicom-seg",
        action="store_true",
        help="of a segmentation of a DICOM series: write a DICOM SEG beside the image, "
        "with the patient's fields of the series",
    )


def read_options(values: Namespace) -> PredictOptions:
    """Makes the options of the parsed arguments.

    Raises:
        InputError: Unknown model, or not exactly one kind of input.
    """
    folders = _folders(values)
    _check_given(values)
    images, channels = with_series(values.images, _channels(values), values.series)
    return PredictOptions(
        name=values.name,
        folders=folders,
        images=tuple(images),
        channels=channels,
        cases=values.cases,
        output=values.output,
        json=values.json,
        threads=values.threads,
        assume_affine=values.assume_affine,
        uncertainty=values.uncertainty,
        probabilities=values.probabilities,
        engine=values.engine,
        precision=values.precision,
        report=values.report,
        age=values.age,
        sex=values.sex,
        overwrite=values.overwrite,
        keep_folders=values.keep_folders,
        dicom_seg=values.dicom_seg,
        aligned=values.aligned,
        bids=values.bids,
        participants=tuple(values.participants),
        bids_filter=dict(values.bids_filter),
    )


def _check_given(values: Namespace) -> None:
    given = [
        kind
        for kind, value in (
            ("IMAGE", values.images),
            ("--channel", values.channels),
            ("--cases", values.cases),
            ("--bids", values.bids),
        )
        if value
    ]
    if len(given) != 1:
        raise InputError(
            f"predict takes images, --channel, --cases or --bids. Received: "
            f"{' and '.join(given) or 'none of them'}. Give exactly one kind."
        )


def _folders(values: Namespace) -> tuple[Path, ...]:
    names = values.name.split(",")
    if len(set(names)) < len(names) or not all(names):
        raise InputError(
            "Each model stands once, with commas between. "
            f"Received: {values.name}. See `medzoo list`."
        )
    if len(names) > 1 and values.report is not None:
        raise InputError(
            f"A report is of one model. Received: {values.name}. "
            "Leave out --report, or call it model by model."
        )
    return tuple(resolve(name) for name in names)


def _channels(values: Namespace) -> dict[str, Path]:
    channels = dict(values.channels)
    if len(channels) != len(values.channels):
        names = ", ".join(name for name, _ in values.channels)
        raise InputError(
            f"Each channel stands once in --channel. Received: {names}. "
            f"Use --cases for several cases."
        )
    return channels


def run(values: Namespace) -> int:
    """Predicts; gives the exit code."""
    options = read_options(values)
    from medzoo.batch import predict, predict_bids
    from medzoo.batch import predict_several_models as predict_several

    report = _report(options)
    if options.bids is not None:
        code = predict_bids.run(options, report)
    elif len(options.folders) > 1:
        code = predict_several.run(options)
    else:
        code = predict.run(options, report)
    if report is not None:
        report.write()
    return code


def _report(options: PredictOptions) -> "ReportSheet | None":
    """Starts the report that was asked for; a place it cannot have is refused now."""
    if options.report is None:
        return None
    from medzoo.reporting.sheet import ReportSheet
    from medzoo.zoo.recipe.schema import read_recipe

    recipe = read_recipe(options.folders[0]).to_dict()
    note = "(verified in this run)"
    return ReportSheet(
        options.report,
        recipe,
        options.folders[0],
        weights_note=note,
        overwrite=options.overwrite,
    )
