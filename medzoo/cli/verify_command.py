"""`medzoo verify [NAME...]`: are the models that are here what they should be?"""

import json
import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import add_json
from medzoo.zoo.verify import verify


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="models to verify (default: all bundled and cached ones); with names, "
        "missing weights count as a failure",
    )
    parser.add_argument(
        "--answers",
        action="store_true",
        help="also load each model and compare its predictions with expected.json",
    )
    add_json(parser)


def run(values: Namespace) -> int:
    """Prints a line a model; gives the exit code."""
    findings = verify(values.names or None, answers=values.answers)
    if values.json:
        rows = [finding.to_dict() for finding in findings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for finding in findings:
            sys.stdout.write(f"{finding}\n")
    # Of a model that was asked for, absent weights are no answer: nothing was verified.
    bad = ("fault", "absent") if values.names else ("fault",)
    faults = sum(finding.state in bad for finding in findings)
    if not faults:
        return 0
    return 2 if faults == len(findings) else 1
