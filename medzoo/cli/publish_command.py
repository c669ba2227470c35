"""`medzoo publish FOLDER TARGET`: a model folder to a hub, or to another folder."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishOptions:
    """What `medzoo publish` was asked for.

    Attributes:
        folder: The model folder.
        target: `hf://ORG/NAME`, or a folder.
        private: Whether a repository that is made is private; None as the hub does.
        dry_run: Whether to send nothing.
    """

    folder: Path
    target: str
    private: bool | None
    dry_run: bool


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="with recipe.json, its weights and metrics.json",
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
        help="check everything and say what would be published, without network",
    )


def run(values: Namespace) -> int:
    """Publishes; prints what `medzoo.load` takes; gives the exit code."""
    from medzoo.zoo.hub.publish import CARD_FILE, publish

    options = PublishOptions(
        folder=values.folder,
        target=values.target,
        private=values.private,
        dry_run=values.dry_run,
    )
    done = publish(
        options.folder,
        options.target,
        private=options.private,
        dry_run=options.dry_run,
    )
    if options.dry_run:
        sys.stdout.write(f"would publish to {done.source}:\n")
        for name, path in sorted(done.files.items()):
            sys.stdout.write(f"  {name}  {path.stat().st_size} bytes\n")
        sys.stdout.write(f"  {CARD_FILE}  {len(done.card.encode())} bytes\n")
        return 0
    if not done.is_new:
        sys.stderr.write("medzoo: nothing changed since it was published\n")
    sys.stdout.write(f"{done.source}\n")
    return 0
