"""Writing to a model repository on a hub, through huggingface_hub."""

import logging
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

from medzoo.errors import IntegrityError, RecipeError
from medzoo.zoo import hub
from medzoo.zoo.hub_address import COMMIT, HubModel
from medzoo.zoo.recipe import RECIPE_FILE
from medzoo.zoo.strict_json import FILE_LIMIT, read_json_object, shown
from medzoo.zoo.transfer import Expected, transfer


def make_repository(model: HubModel, private: bool | None) -> None:
    """Makes the repository, unless it is there."""
    with hub.HubFaults(model.repo):
        hub.api().create_repo(model.repo, private=private, exist_ok=True)


def published_recipe(model: HubModel) -> tuple[str | None, dict | None]:
    """Gives the newest commit and its recipe.json; None for what is not there."""
    commit, files = hub.list_files(model)
    if RECIPE_FILE not in files:
        return commit, None
    pinned = HubModel(model.repo, commit)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / RECIPE_FILE
        transfer(
            hub.file_url(pinned, RECIPE_FILE),
            path,
            Expected(FILE_LIMIT, files[RECIPE_FILE].size),
            headers=hub.file_headers(),
        )
        return commit, read_json_object(path, RecipeError)


def upload(
    model: HubModel, files: dict[str, Path], texts: dict[str, str], title: str
) -> str:
    """Sends files and texts in one commit, or in none where the hub has them all.

    Args:
        model: The repository.
        files: Paths by their names in the repository.
        texts: Contents by their names in the repository.
        title: First line of the commit's message.

    Returns:
        The commit with these files.
    """
    from huggingface_hub import CommitOperationAdd

    contents = {**files, **{name: text.encode() for name, text in texts.items()}}
    operations = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
        for name, content in sorted(contents.items())
    ]
    with hub.HubFaults(model.repo), _without_its_own_words():
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
            f"A hub must answer with a commit. Received: {shown(commit)} for "
            f"{model.repo}. Check HF_ENDPOINT."
        )
    return commit


@contextmanager
def _without_its_own_words():
    """Keeps the client from logging that nothing changed, which medzoo says itself.

    A base model that is in no hub makes it warn too; the card is valid all the same.
    """
    logger = logging.getLogger("huggingface_hub.hf_api")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Warnings while validating")
            yield
    finally:
        logger.setLevel(before)
