"""`medzoo evaluate NAME ...`: calls medzoo.evaluate."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from medzoo.cli.bids_arguments import add_labelled_cases
from medzoo.cli.parser import add_json, add_name, add_target, add_threads, on_disk
from medzoo.errors import InputError
from medzoo.zoo.resolve import resolve


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_labelled_cases(parser)
    add_target(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=on_disk,
        metavar="METRICS.json",
        help="also write metrics here",
    )
    add_json(parser)
    parser.add_argument(
        "--out-of-fold",
        action="store_true",
        help="evaluate the stored cross-validation instead of predicting",
    )
    parser.add_argument(
        "--cost",
        action="store_true",
        help="measure only time and memory of one prediction with each installed "
        "engine, on the first case or an average brain; other metrics in "
        "METRICS.json are kept",
    )
    parser.add_argument(
        "--repeatability",
        action="store_true",
        help="measure only repeatability: between scans of one person (column "
        "subject), and under noise, shift and coarser voxels",
    )
    parser.add_argument(
        "--as-external",
        metavar="NAME",
        help="add the results to METRICS.json as external data of this name",
    )
    add_threads(parser)


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


def _check(values: Namespace, cases: Path | str | None) -> None:
    """Refuses options that contradict each other, or nothing to measure on."""
    if values.cost and (values.out_of_fold or values.target or values.as_external):
        raise InputError(
            "--cost measures time and memory alone. Received: --cost with "
            "--out-of-fold, --target or --as-external. Leave those out."
        )
    others = values.cost or values.target or values.as_external
    if values.repeatability and (cases is None or others):
        raise InputError(
            "--repeatability needs a case table, and goes with none of --cost, "
            "--target and --as-external. Received: no --cases, or one of these. Give "
            "--cases CASES.csv alone."
        )
    if cases is not None and values.out_of_fold:
        raise InputError(
            "--cases and --out-of-fold exclude each other. Received: --cases and "
            "--out-of-fold. Give one of them."
        )
    if cases is None and not values.out_of_fold and not values.cost:
        raise InputError(
            "evaluate needs cases with a known truth. Received: neither --cases nor "
            "--out-of-fold nor --cost. Give --cases CASES.csv."
        )
    if values.target is not None and cases is None:
        raise InputError(
            "--target names a column of the case table. Received: --target "
            f"{values.target} without --cases. Give --cases CASES.csv."
        )
    if values.as_external is not None and None in (cases, values.output):
        raise InputError(
            "--as-external adds the metrics of cases to a file. Received: "
            f"--as-external {values.as_external} without --cases or --output. "
            "Give both."
        )


def run(values: Namespace) -> int:
    """Measures; gives the exit code."""
    cases = _given(values)
    _check(values, cases)
    # An unknown model is refused before anything heavy is imported.
    resolve(values.name)
    from medzoo.evaluation.evaluate import evaluate

    found = evaluate(
        values.name,
        cases,
        target=values.target,
        out_of_fold=values.out_of_fold,
        cost=values.cost,
        repeatability=values.repeatability,
        output=values.output,
        as_external=values.as_external,
        threads=values.threads,
    )
    if values.json or values.cost or values.repeatability:
        text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(text + "\n")
    else:
        from medzoo.cli.metrics_text import metrics_text

        sys.stdout.write(metrics_text(found))
    return 1 if found.get("failed") or (values.cost and not found["cost"]) else 0
