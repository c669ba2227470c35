"""`medzoo evaluate NAME ...`: arguments; medzoo.evaluation.evaluate does the work."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from medzoo.cli.bids_arguments import add_labelled_cases
from medzoo.cli.parser import add_json, add_name, add_target, add_threads
from medzoo.errors import InputError
from medzoo.zoo.resolve import resolve


@dataclass(frozen=True)
class EvaluateOptions:
    """What `medzoo evaluate` was asked for.

    Attributes:
        name: The model as the user wrote it.
        folder: The model's folder.
        cases: A cases.csv, "bids:DIR" or LAYOUT:FOLDER; None with `out_of_fold`.
        target: "COLUMN" or "COLUMN:CODES.csv" instead of the recipe's, or None.
        output: A metrics.json to write, or None.
        json: Whether to print JSON.
        out_of_fold: Whether to measure the cross-validation's predictions.
        cost: Whether to measure seconds and memory of one prediction alone.
        repeatability: Whether to measure how far answers differ for one head.
        external: Name under which the cases are added to `output` as other data.
        threads: CPU threads at most, or None.
    """

    name: str
    folder: Path
    cases: Path | str | None
    target: str | None
    output: Path | None
    json: bool
    out_of_fold: bool
    cost: bool
    repeatability: bool
    external: str | None
    threads: int | None


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
    add_target(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="METRICS.json",
        help="also write metrics here",
    )
    add_json(parser)
    parser.add_argument(
        "--out-of-fold",
        action="store_true",
        help="measure the model's stored cross-validation instead of predicting",
    )
    parser.add_argument(
        "--cost",
        action="store_true",
        help="measure only what one prediction costs, with each engine that is "
        "installed: on the first of the cases, or an average brain; all other numbers "
        "in METRICS.json stay",
    )
    parser.add_argument(
        "--repeatability",
        action="store_true",
        help="measure only how far answers differ for scans of one person (a column "
        "subject), and for the same scan with noise, shifted, and with coarser voxels",
    )
    parser.add_argument(
        "--as-external",
        dest="external",
        metavar="NAME",
        help="add the cases to METRICS.json as other data of this name",
    )
    add_threads(parser)


def read_options(values: Namespace) -> EvaluateOptions:
    """Makes the options of the parsed arguments.

    Raises:
        InputError: Unknown model, nothing to measure on, or options that
            contradict each other.
    """
    folder = resolve(values.name)
    values.cases = _given(values)
    _check(values)
    return EvaluateOptions(
        name=values.name,
        folder=folder,
        cases=values.cases,
        target=values.target,
        output=values.output,
        json=values.json,
        out_of_fold=values.out_of_fold,
        cost=values.cost,
        repeatability=values.repeatability,
        external=values.external,
        threads=values.threads,
    )


def _given(values: Namespace) -> Path | str | None:
    """What to measure on; of a tree or data set as `read_cases` takes it."""
    bids = None if values.bids is None else f"bids:{values.bids}"
    given = [g for g in (values.cases, bids, values.data) if g is not None]
    if len(given) > 1:
        raise InputError(
            "evaluate takes one of --cases, --bids and --data. "
            f"Received: {' and '.join(map(str, given))}. Give exactly one."
        )
    return given[0] if given else None


def _check(values: Namespace) -> None:
    """Refuses options that contradict each other, or nothing to measure on."""
    if values.cost and (values.out_of_fold or values.target or values.external):
        raise InputError(
            "--cost measures what one prediction costs, and nothing else. Received: it "
            "with --out-of-fold, --target or --as-external. Leave those out."
        )
    if values.repeatability and (values.cases is None or values.cost):
        raise InputError(
            "--repeatability changes the scans of a table. Received: no --cases, or "
            "--cost too. Give --cases CASES.csv alone."
        )
    if values.cases is not None and values.out_of_fold:
        raise InputError(
            "evaluate measures one thing at a time. Received: --cases and "
            "--out-of-fold. Give one of them."
        )
    if values.cases is None and not values.out_of_fold and not values.cost:
        raise InputError(
            "evaluate needs cases with a known truth. Received: neither --cases nor "
            "--out-of-fold nor --cost. Give --cases CASES.csv."
        )
    if values.target is not None and values.cases is None:
        raise InputError(
            f"--target names a column of the cases. Received: --target {values.target} "
            f"without --cases. Give --cases CASES.csv."
        )
    if values.external is not None and None in (values.cases, values.output):
        raise InputError(
            f"--as-external adds the numbers of cases to a file. Received: "
            f"--as-external {values.external} without --cases or --output. Give both."
        )


def run(values: Namespace) -> int:
    """Measures; gives the exit code."""
    options = read_options(values)
    from medzoo.evaluation import evaluate

    return evaluate.run(options)
