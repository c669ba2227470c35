"""`medzoo predict NAME ...`: calls medzoo.predict."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.bids_arguments import add_bids, check_filters
from medzoo.cli.parser import (
    add_channels,
    add_engine,
    add_json,
    add_names,
    add_threads,
    cluster,
    image,
    on_disk,
    place,
    shard,
    spacing,
    table,
    uncertainty,
    years,
)
from medzoo.cli.series_choice import add_series, with_series
from medzoo.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_names(parser)
    parser.add_argument(
        "images",
        type=image,
        nargs="*",
        metavar="IMAGE",
        help="images of the model's first channel, each a file, DICOM folder or zip "
        "and one case; or one folder of images",
    )
    add_channels(parser)
    parser.add_argument(
        "--cases", type=table, metavar="CASES.csv", help="a table with one row per case"
    )
    add_series(parser)
    add_bids(parser)
    _add_output(parser)
    _add_share(parser)
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
        help="age of the person, for centiles of volumes, which need --sex too and 22 "
        "to 92 years (in a table: column age)",
    )
    parser.add_argument(
        "--sex",
        choices=("F", "M", "female", "male"),
        help="sex of the person, for centiles of volumes, which need --age too (in a "
        "table: column sex)",
    )


def _add_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=place,
        metavar="OUT",
        help="a .csv, .tsv or .json for tables; an image file or folder for image "
        "outputs; tables and folders also as s3://BUCKET/PREFIX (extra remote)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace existing files (default: only earlier results of the same "
        "input and model); inputs are never replaced",
    )
    parser.add_argument(
        "--keep-folders",
        action="store_true",
        help="mirror the folders of the inputs in OUT",
    )
    parser.add_argument(
        "--report",
        type=on_disk,
        metavar="FILE.html",
        help="write a self-contained HTML report with views, predictions, checks and "
        "limits of the model (not with --shard or --cluster)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="with --report: the IMAGEs are sessions of one person, in order of time, "
        "and the report shows them side by side (tables and BIDS trees say who was "
        "scanned: there it needs no flag)",
    )
    _add_kinds(parser)


def _add_share(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="I/N",
        help="do only the I-th of N shares of the cases, 1/N to N/N, as an element of "
        "a job array; all write into one folder OUT",
    )
    parser.add_argument(
        "--cluster",
        type=cluster,
        metavar="ray[://HOST:PORT]",
        help="do the cases on a Ray cluster (extra ray): ray for $RAY_ADDRESS or this "
        "machine; --threads is that of one worker",
    )


def _run_on_cluster(values: Namespace, names: list[str], cases, printed) -> list[dict]:
    """Predicts on the nodes of a cluster, which takes fewer options."""
    unknown = {
        "--shard": values.shard,
        "--report": values.report,
        "--dicom-seg": values.dicom_seg,
        "--keep-folders": values.keep_folders,
        "--participant-label": values.participant_label,
        "--bids-filter": values.bids_filter,
    }
    given = [name for name, value in unknown.items() if value]
    if given:
        raise InputError(
            f"A cluster does whole cohorts. Received: {' and '.join(given)} with "
            "--cluster. Leave out one of them."
        )
    from medzoo.cluster.predict import predict_on_cluster

    return predict_on_cluster(
        names,
        cases,
        values.output,
        address=values.cluster,
        bids=values.bids,
        settings=(
            (values.uncertainty, values.probabilities, values.engine, values.precision),
            {"native": values.native, "space": values.space},
        ),
        person=(values.age, values.sex),
        threads=values.threads,
        overwrite=values.overwrite,
        assume_affine=values.assume_affine,
        align=not values.aligned,
        listener=printed,
    )


def _add_kinds(parser: ArgumentParser) -> None:
    """Adds the arguments on what is given beside the prediction."""
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="segmentation: also write the class probabilities",
    )
    parser.add_argument(
        "--space",
        metavar="SPACE",
        help="image outputs: also in the standard space, as mni (affine registration) "
        "or mni:deformable; OUT gets CASE_mni.nii.gz beside CASE.nii.gz",
    )
    parser.add_argument(
        "--uncertainty",
        type=uncertainty,
        default="interval",
        metavar="KIND",
        help="uncertainty estimate to report: interval (default; calibrated, where "
        "the model has one), none, tta (test-time augmentation), ensemble (spread of "
        "the members) or entropy (segmentation)",
    )


def _add_scans(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="channels are already aligned: skip the correction of motion between them",
    )
    parser.add_argument(
        "--native",
        action="store_true",
        help="segmentation: scans of 0.85 to 0.95 mm keep their own grid instead of "
        "being resampled to 1 mm; slower; results are on the scan's grid either way",
    )
    parser.add_argument(
        "--dicom-seg",
        action="store_true",
        help="also write segmentations of DICOM series as DICOM SEG, with the "
        "patient fields of the series",
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
    check_filters(values)
    _check_compare(values)
    if values.report is not None and values.shard is not None:
        raise InputError(
            "A report covers all cases, a shard some. Received: --report with --shard. "
            "Leave out one of them."
        )


def _check_compare(values: Namespace) -> None:
    if not values.compare:
        return
    if values.report is None or len(values.images) < 2:
        raise InputError(
            "--compare shows sessions of one person side by side. Received: "
            f"{len(values.images)} IMAGEs, report={values.report}. Give two images or "
            "more and --report; cases of a table are compared by its column subject."
        )


def _names(values: Namespace) -> list[str]:
    names = values.name.split(",")
    if len(set(names)) < len(names) or not all(names):
        raise InputError(
            "Each model must be given once, separated by commas. "
            f"Received: {values.name}. See `medzoo list`."
        )
    if len(names) > 1 and values.report is not None:
        raise InputError(
            f"A report covers one model. Received: {values.name}. Leave out --report, "
            "or run one model at a time."
        )
    return names


def _cases(values: Namespace) -> Path | str | list[Path] | dict[str, Path] | None:
    """The cases as `medzoo.predict` takes them."""
    images, channels = with_series(values.images, _channels(values), values.series)
    if values.cases is not None:
        return values.cases
    # One alone may be a folder of images, or a table.
    return channels or (images[0] if len(images) == 1 else images) or None


def _channels(values: Namespace) -> dict[str, Path]:
    channels = dict(values.channels)
    if len(channels) != len(values.channels):
        names = ", ".join(name for name, _ in values.channels)
        raise InputError(
            f"Each channel must be given once in --channel. Received: {names}. "
            f"Use --cases for several cases."
        )
    return channels


def run(values: Namespace) -> int:
    """Predicts; gives the exit code."""
    _check_given(values)
    names, cases = _names(values), _cases(values)
    from medzoo.batch.predict import predict

    printed = _printed(values, names)
    with printed:
        if values.cluster is not None:
            records = _run_on_cluster(values, names, cases, printed)
            return _told(records, values, printed)
        records = predict(
            names if len(names) > 1 else names[0],
            cases,
            values.output,
            bids=values.bids,
            participant_label=values.participant_label,
            bids_filter=dict(values.bids_filter),
            assume_affine=values.assume_affine,
            uncertainty=values.uncertainty,
            probabilities=values.probabilities,
            engine=values.engine,
            precision=values.precision,
            native=values.native,
            age=values.age,
            sex=values.sex,
            space=values.space,
            aligned=values.aligned,
            overwrite=values.overwrite,
            keep_folders=values.keep_folders,
            dicom_seg=values.dicom_seg,
            threads=values.threads,
            shard=values.shard,
            listener=printed,
        )
    return _told(records, values, printed)


def _printed(values: Namespace, names: list[str]):
    """What prints the results as they come."""
    from medzoo.cli.printed_results import PrintedResults

    return PrintedResults(
        report=values.report,
        overwrite=values.overwrite,
        compare=values.compare,
        quiet=values.json or _is_table(values.output),
        several=len(names) > 1,
    )


def _told(records: list[dict], values: Namespace, printed) -> int:
    if values.json:
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    return printed.exit_code()


def _is_table(path: Path | str | None) -> bool:
    return path is not None and Path(path).suffix.lower() in (".csv", ".tsv", ".json")
