"""`medzoo publish FOLDER TARGET`: a model folder to a hub, or to another folder."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="a folder with recipe.json, weights and metrics.json",
    )
    parser.add_argument("target", metavar="TARGET", help="hf://ORG/NAME, or a folder")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--private",
        action="store_true",
        default=None,
        help="create the repository as private",
    )
    group.add_argument(
        "--public",
        dest="private",
        action="store_false",
        default=None,
        help="create the repository as public",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="check everything and list what would be published, without network",
    )


def run(values: Namespace) -> int:
    """Publishes; prints what `medzoo.load` takes; gives the exit code."""
    from medzoo.zoo.hub.publish import CARD_FILE, publish

    done = publish(
        values.folder,
        values.target,
        private=values.private,
        dry_run=values.dry_run,
    )
    if values.dry_run:
        sys.stdout.write(f"would publish to {done.source}:\n")
        for name, path in sorted(done.files.items()):
            sys.stdout.write(f"  {name}  {path.stat().st_size} bytes\n")
        sys.stdout.write(f"  {CARD_FILE}  {len(done.card.encode())} bytes\n")
        return 0
    if not done.is_new:
        sys.stderr.write("medzoo: nothing changed since it was published\n")
    sys.stdout.write(f"{done.source}\n")
    return 0
