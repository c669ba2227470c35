"""`medzoo doctor`: what is installed, what is missing, and what to do about it."""

import json
import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import add_json

# How a check stands out in a terminal, and in a log without colours.
SIGNS = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "--answers",
        action="store_true",
        help="also load each model and compare its predictions with expected.json",
    )
    add_json(parser)


def run(values: Namespace) -> int:
    """Prints a line a check; gives the exit code: 1 where something is broken."""
    from medzoo.cli.doctor import examine

    checks = examine(answers=values.answers)
    if values.json:
        rows = [check.to_dict() for check in checks]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        width = max(len(check.subject) for check in checks)
        for check in checks:
            sys.stdout.write(
                f"{SIGNS[check.state]}  {check.subject:<{width}}  {check.found}\n"
            )
            if check.advice:
                sys.stdout.write(f"{'':<{width + 9}}-> {check.advice}\n")
    return int(any(check.state == "fault" for check in checks))
