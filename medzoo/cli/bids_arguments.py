"""Arguments that select cases: --bids and its filters, --cases, --data."""

import argparse
from pathlib import Path

from medzoo.errors import InputError


def add_bids(
    parser: argparse.ArgumentParser, default: str = "DIR/derivatives/medzoo"
) -> None:
    """Adds --bids, --participant-label and --bids-filter.

    Args:
        parser: Of the command.
        default: Where its results go without -o.
    """
    parser.add_argument(
        "--bids",
        type=Path,
        metavar="DIR",
        help=f"a BIDS tree; results go to -o ({default} if not given) as a BIDS "
        "derivative",
    )
    parser.add_argument(
        "--participant-label",
        nargs="+",
        default=[],
        metavar="LABEL",
        help="only these participants of the BIDS tree",
    )
    parser.add_argument(
        "--bids-filter",
        type=entity,
        action="append",
        default=[],
        metavar="ENTITY=VALUE",
        help="selects a scan where a session has several, such as run=1 or acq=mprage",
    )


def check_filters(values: argparse.Namespace) -> None:
    """Refuses filters of a BIDS tree where there is none: all would be done."""
    if values.bids is None and (values.participant_label or values.bids_filter):
        raise InputError(
            "--participant-label and --bids-filter choose from a BIDS tree. Received: "
            "one of them without --bids. Give --bids DIR."
        )


def add_labelled_cases(parser: argparse.ArgumentParser) -> None:
    """Adds --cases, --data and --bids: what training and evaluation are done on."""
    parser.add_argument(
        "--cases", type=Path, metavar="CASES.csv", help="a table with one row per case"
    )
    parser.add_argument(
        "--data",
        metavar="KIND:FOLDER",
        help="a data set in its published layout: mrbrains13:FOLDER, "
        "mrbrains18:FOLDER or wmh:FOLDER",
    )
    parser.add_argument(
        "--bids",
        type=Path,
        metavar="DIR",
        help="a BIDS tree; targets come from participants.tsv, or from its derivatives",
    )


def labelled_cases(values: argparse.Namespace, command: str) -> Path | str:
    """Returns what --cases, --data or --bids gave, as `medzoo.train` takes it.

    Raises:
        InputError: for none of them, or several.
    """
    given = [g for g in (values.cases, values.data, values.bids) if g is not None]
    if len(given) != 1:
        raise InputError(
            f"{command} takes one of --cases, --data and --bids. Received: "
            f"cases={values.cases}, data={values.data}, bids={values.bids}. "
            "Give exactly one."
        )
    return given[0] if values.bids is None else f"bids:{values.bids}"


def entity(text: str) -> tuple[str, str]:
    """Reads one ENTITY=VALUE."""
    name, equals, value = text.partition("=")
    if not (equals and name.isalpha() and value.replace("+", "").isalnum()):
        raise argparse.ArgumentTypeError(
            f"must be ENTITY=VALUE, as run=1. Received: {text!r}"
        )
    return name, value
