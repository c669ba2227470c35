"""Addresses on a hub: `hf://org/repo[@revision]`, `hf://org/repo/file@commit`."""

import re
from dataclasses import dataclass

from medzoo.errors import InputError
from medzoo.zoo.recipe.strict_json import shown

SCHEME = "hf://"
DEFAULT_REVISION = "main"

# No dots in a row, and nothing that begins with one: a part may become a folder name.
_PART = r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_REPO = rf"{_PART}/{_PART}"
_REVISION = rf"{_PART}(?:/{_PART})*"
_COMMIT = r"[0-9a-f]{40}"
# What a recipe may name: one file of a commit, which nobody can change afterwards.
HUB_FILE = rf"hf://{_REPO}/{_PART}(?:/{_PART})*@{_COMMIT}"
_FILE_GROUPS = re.compile(
    rf"hf://(?P<repo>{_REPO})/(?P<file>{_PART}(?:/{_PART})*)@(?P<commit>{_COMMIT})"
)
_MODEL_GROUPS = re.compile(rf"hf://(?P<repo>{_REPO})(?:@(?P<revision>{_REVISION}))?")
_LONGEST = 200
COMMIT = re.compile(_COMMIT)


@dataclass(frozen=True)
class HubModel:
    """A model repository on a hub.

    Attributes:
        repo: "org/name".
        revision: A branch, a tag or a commit (40 hexadecimal digits).
    """

    repo: str
    revision: str = DEFAULT_REVISION

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, so that what it names cannot change."""
        return COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo}@{self.revision}"


def is_hub_address(source: object) -> bool:
    """Whether a source is meant as an address on a hub."""
    return isinstance(source, str) and source.startswith(SCHEME)


def parse_model(source: str, revision: str | None = None) -> HubModel:
    """Reads `hf://org/repo[@revision]`.

    Args:
        source: The address.
        revision: The revision, where the address itself has none.

    Raises:
        InputError: It is not such an address, or there are two revisions.
    """
    match = _MODEL_GROUPS.fullmatch(source) if len(source) <= _LONGEST else None
    if match is None or "--" in match["repo"] or match["repo"].endswith(".git"):
        raise InputError(
            f"A model on a hub must be hf://ORG/REPO or hf://ORG/REPO@REVISION. "
            f"Received: source={shown(source)}. Correct the address."
        )
    if revision is None:
        return HubModel(match["repo"], match["revision"] or DEFAULT_REVISION)
    if match["revision"] not in (None, revision):
        raise InputError(
            f"A model on a hub has one revision. Received: source={shown(source)}, "
            f"revision={shown(revision)}. Give one of them."
        )
    if not isinstance(revision, str) or not re.fullmatch(_REVISION, revision):
        raise InputError(
            f"A revision must be a branch, a tag or a commit. Received: "
            f"revision={shown(revision)}. Correct it."
        )
    return HubModel(match["repo"], revision)


def parse_file(address: str) -> tuple[HubModel, str]:
    """Reads `hf://org/repo/file@commit`; gives the repository and the file's path.

    Raises:
        InputError: It is not such an address.
    """
    match = _FILE_GROUPS.fullmatch(address)
    if match is None:
        raise InputError(
            f"A file on a hub must be hf://ORG/REPO/FILE@COMMIT, the commit with 40 "
            f"hexadecimal digits. Received: address={shown(address)}. Correct it."
        )
    return HubModel(match["repo"], match["commit"]), match["file"]
