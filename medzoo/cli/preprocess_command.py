"""`medzoo preprocess SCAN|--cases|--bids -o DIR --steps ...`: normalised scans."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from medzoo.cli.bids_arguments import add_bids, check_filters
from medzoo.cli.parser import add_json, image, on_disk
from medzoo.cli.series_choice import add_series, with_series
from medzoo.errors import InputError

EXIT_ALL, EXIT_SOME, EXIT_NONE = 0, 1, 2
# The brain first: without its mask fat draws the bias field.
DEFAULT_STEPS = "strip,n4,register=mni:affine"
CONTRASTS = ("t1", "flair", "t2", "pd", "t1_ir", "ct")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "images",
        type=image,
        nargs="*",
        metavar="SCAN",
        help="a scan, a DICOM folder or zip too; several are several cases",
    )
    parser.add_argument(
        "--cases", type=Path, metavar="CASES.csv", help="a table with one case a row"
    )
    add_bids(parser)
    add_series(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        metavar="DIR",
        help="the folder of the results: CASE.nii.gz, CASE.json with the quality of "
        "each step, CASE_mask.nii.gz and CASE_transform.h5 where a step finds them",
    )
    parser.add_argument(
        "--steps",
        default=DEFAULT_STEPS,
        metavar="STEPS",
        help="in this order, with commas between: n4, denoise[=diffusion|nonlocal], "
        "strip[=network|atlas], register[=mni|ixi[:rigid|affine|deformable]], deface, "
        f"zscore, whitestripe, rescale, window[=brain|...]. Default: {DEFAULT_STEPS}",
    )
    _add_settings(parser)
    add_json(parser)


def _add_settings(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--spacing",
        type=_millimetres,
        metavar="MM",
        help="edge of the result's voxels; the scan's own if not given",
    )
    parser.add_argument(
        "--contrast",
        choices=CONTRASTS,
        default="t1",
        help="what the scans are, and the column of a table (default: t1)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="draw each case before and after, CASE.png",
    )
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="cases at once (default: 2 at most)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files that medzoo did not write. Inputs never are",
    )


def run(values: Namespace) -> int:
    """Normalises; gives the exit code."""
    from medzoo.preprocessing.many_cases import preprocess
    from medzoo.preprocessing.one_case import Work
    from medzoo.preprocessing.steps import parse_steps

    steps = ",".join(str(step) for step in parse_steps(values.steps))
    work = Work(steps, values.spacing, values.contrast, values.report, values.overwrite)
    cases = _cases(values)
    found = preprocess(cases, work, jobs=values.jobs, progress=_say)
    if values.json:
        sys.stdout.write(json.dumps(found, indent=1, allow_nan=False) + "\n")
    failed = sum("error" in told for told in found)
    if failed == len(found):
        return EXIT_NONE
    return EXIT_SOME if failed else EXIT_ALL


def _cases(values: Namespace) -> list[tuple[str, str, str]]:
    """Triples of case_id, scan, and the path of its results without suffix."""
    given = [bool(values.images), values.cases is not None, values.bids is not None]
    if sum(given) != 1:
        raise InputError(
            "preprocess takes scans, --cases or --bids. Received: "
            f"{sum(given)} of them. Give exactly one kind."
        )
    if values.series and not values.images:
        raise InputError(
            "--series chooses from a DICOM folder that is given itself. Received: "
            f"--series {values.series} without one. In a table, write FOLDER#SERIES."
        )
    check_filters(values)
    if values.bids is not None:
        return _bids_cases(values)
    if values.output is None:
        raise InputError("Results need a folder. Received: no -o. Give -o DIR.")
    if values.images:
        chosen, _ = with_series(values.images, {}, values.series)
        named = [
            (_plain_name(Path(path)), scan)
            for path, scan in zip(values.images, chosen, strict=True)
        ]
    else:
        from medzoo.datasets.read_cases import read_cases

        channels = [{"name": values.contrast, "required": True}]
        rows = read_cases(values.cases, channels)
        named = [(r.case_id, r.images[values.contrast]) for r in rows if r.images]
        if len(named) < len(rows):
            without = len(rows) - len(named)
            channel = values.contrast
            sys.stderr.write(f"medzoo: {without} cases without {channel} left out\n")
    if not named:
        raise InputError(
            f"A table must have scans in the column {values.contrast}. Received: none "
            f"in {values.cases}. Check --contrast."
        )
    return [(name, str(path), str(values.output / name)) for name, path in named]


def _bids_cases(values: Namespace) -> list[tuple[str, str, str]]:
    from medzoo.datasets.bids.scans import CHANNELS, scans_of
    from medzoo.preprocessing.many_cases import write_description
    from medzoo.spatial.standard_space import BIDS_NAME

    output = values.output or values.bids / "derivatives" / "medzoo-preprocess"
    wanted = dict(values.bids_filter)
    scans = [
        scan
        for scan in scans_of(values.bids, list(values.participant_label) or None)
        if CHANNELS[scan.suffix] == values.contrast
        and all(scan.entities.get(key) == value for key, value in wanted.items())
    ]
    if not scans:
        raise InputError(
            f"A BIDS tree must have scans of the contrast {values.contrast}. Received: "
            f"none in {values.bids}. Check --contrast and --bids-filter."
        )
    write_description(output)
    space = f"_space-{BIDS_NAME}" if "register" in values.steps else ""
    found = []
    for scan in scans:
        folder = output / scan.path.parent.relative_to(values.bids)
        name = f"{scan.stem}{space}_desc-preproc_{scan.suffix}"
        found.append((name, str(scan.path), str(folder / name)))
    return found


def _plain_name(path: Path) -> str:
    name = path.name or path.resolve().name
    while Path(name).suffix.lower() in (".gz", ".nii", ".mgz", ".nrrd", ".mha", ".zip"):
        name = Path(name).stem
    return name


def _say(told: dict) -> None:
    if "error" in told:
        text = f"{told['case_id']}: error: {told['error']}"
    else:
        text = f"{told['case_id']}: {'done' if told['done'] else 'kept'}"
        text += "".join(f"; warning: {warning}" for warning in told["warnings"])
    line = "".join(char if char.isprintable() else " " for char in text)
    sys.stderr.write(f"medzoo: {line}\n")


def _millimetres(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 20:
        raise ArgumentTypeError(f"must be from 0.1 to 20 mm. Received: {text!r}")
    return value


def _jobs(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 64:
        return int(text)
    raise ArgumentTypeError(f"must be a whole number from 1 to 64. Received: {text!r}")
