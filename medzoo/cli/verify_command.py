"""`medzoo verify [NAME...]`: are the models that are here what they should be?"""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from medzoo.cli.parser import add_json
from medzoo.zoo.verify import verify


@dataclass(frozen=True)
class VerifyOptions:
    """What `medzoo verify` was asked for.

    Attributes:
        names: Names, folders or addresses on a hub; none for all that are here.
        json: Whether to print JSON.
        answers: Whether models must answer as their expected.json says.
    """

    names: tuple[str, ...]
    json: bool
    answers: bool = False


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a model (default: every bundled and every cached one)",
    )
    parser.add_argument(
        "--answers",
        action="store_true",
        help="load each model too and compare its answers with its expected.json",
    )
    add_json(parser)


def run(values: Namespace) -> int:
    """Prints a line a model; gives the exit code."""
    options = VerifyOptions(tuple(values.names), values.json, values.answers)
    findings = verify(options.names or None, answers=options.answers)
    if options.json:
        rows = [finding.to_dict() for finding in findings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for finding in findings:
            sys.stdout.write(f"{finding}\n")
    faults = sum(finding.state == "fault" for finding in findings)
    if not faults:
        return 0
    return 2 if faults == len(findings) else 1
