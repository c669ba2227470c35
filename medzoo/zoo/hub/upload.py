"""Writing to a model repository on a hub, through huggingface_hub."""

import hashlib
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

from medzoo.errors import WARNINGS_LOCK, IntegrityError, RecipeError
from medzoo.transfer import TIMEOUT_SECONDS, Expected, transfer
from medzoo.zoo.hub import client as hub
from medzoo.zoo.recipe.hub_address import COMMIT, HubModel
from medzoo.zoo.recipe.schema import RECIPE_FILE
from medzoo.zoo.recipe.strict_json import FILE_LIMIT, read_json_object, shown


def make_repository(model: HubModel, private: bool | None) -> None:
    """Makes the repository, unless it is there."""
    with hub.HubFaults(model.repo), _settings_of_client():
        hub.api().create_repo(model.repo, private=private, exist_ok=True)


def published_recipe(pinned: HubModel, files: dict[str, hub.HubFile]) -> dict | None:
    """Gives the recipe.json of a commit; None where there is none.

    Args:
        pinned: The repository at the commit.
        files: What the commit holds.
    """
    if RECIPE_FILE not in files:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / RECIPE_FILE
        transfer(
            hub.file_url(pinned, RECIPE_FILE),
            path,
            Expected(FILE_LIMIT, files[RECIPE_FILE].size),
            headers=hub.file_headers(),
        )
        return read_json_object(path, RecipeError)


def is_published(contents: dict[str, Path | bytes], files: dict) -> bool:
    """Whether a commit holds all these contents, by the hashes that the hub lists."""
    return all(_is_same(content, files.get(name)) for name, content in contents.items())


def _is_same(content: Path | bytes, listed: hub.HubFile | None) -> bool:
    if listed is None:
        return False
    content = content if isinstance(content, bytes) else content.read_bytes()
    if listed.sha256 is not None:
        return hashlib.sha256(content).hexdigest() == listed.sha256
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return git.hexdigest() == listed.git_sha1


def upload(model: HubModel, contents: dict[str, Path | bytes], title: str) -> str:
    """Sends files in one commit.

    Args:
        model: The repository.
        contents: Paths or contents by their names in the repository.
        title: First line of the commit's message.

    Returns:
        The commit with these files.
    """
    from huggingface_hub import CommitOperationAdd

    operations = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
        for name, content in sorted(contents.items())
    ]
    with hub.HubFaults(model.repo), _settings_of_client():
        commit = (
            hub.api()
            .create_commit(
                model.repo,
                operations,
                commit_message=title,
                revision=model.revision,
            )
            .oid
        )
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise IntegrityError(
            f"A hub must return a commit. Received: {shown(commit)} for "
            f"{model.repo}. Check HF_ENDPOINT."
        )
    return commit


@contextmanager
def _settings_of_client():
    """Gives the client a time limit, which it lacks for uploads.

    A base model that is on no hub makes it warn; the card is valid all the same.
    """
    from huggingface_hub.utils import get_session

    session = get_session()
    before = getattr(session, "timeout", None)
    session.timeout = TIMEOUT_SECONDS
    try:
        with WARNINGS_LOCK, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Warnings while validating")
            yield
    finally:
        session.timeout = before
