"""The cache of downloaded models: addressed by content, never changed.

    models/<name>/<sha256>/<file>          weights
    hub/<org>--<repo>/<commit>/            recipe and numbers of a model on a hub
    hub/<org>--<repo>/refs/<revision>      the commit that a revision named last
    engines/<key>/                         exported networks, see inference

No lock is taken: each process writes under a name of its own and renames, so that
several can fetch one model at once, on any file system.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from medzoo.files import cache_folder, write_text_atomically
from medzoo.zoo.recipe.hub_address import COMMIT, HubModel

TEMPORARY_PREFIX = ".medzoo-"
# A fetch writes every minute or gives up: what is older was left by a killed process.
LEFTOVER_SECONDS = 3600.0


def weights_place(recipe: object) -> Path:
    """The path in the cache of the weights that a recipe names."""
    weights = recipe.weights
    return models_folder() / recipe.name / weights["sha256"] / weights["file"]


def models_folder() -> Path:
    """The folder of all cached weights."""
    return cache_folder() / "models"


def hub_folder(model: HubModel) -> Path:
    """The path in the cache of the files of a pinned model."""
    return _repository(model) / model.revision


def hub_folders() -> list[Path]:
    """The folders of all models on hubs that are in the cache."""
    found = (cache_folder() / "hub").glob("*/*")
    return [folder for folder in found if COMMIT.fullmatch(folder.name)]


def pinned(model: HubModel) -> HubModel | None:
    """The model at the commit last resolved for its revision, if any."""
    if model.is_pinned:
        return model
    try:
        commit = _reference(model).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return HubModel(model.repo, commit) if COMMIT.fullmatch(commit) else None


def remember(model: HubModel, commit: str) -> None:
    """Notes the commit that a revision names now."""
    place = _reference(model)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(place, f"{commit}\n")


def origin_of(folder: Path) -> HubModel | None:
    """The pinned model whose files lie in a folder of the cache; else None."""
    folder = Path(folder).absolute()
    organization, dashes, name = folder.parent.name.partition("--")
    if (
        folder.parent.parent != (cache_folder() / "hub").absolute()
        or not dashes
        or not COMMIT.fullmatch(folder.name)
    ):
        return None
    return HubModel(f"{organization}/{name}", folder.name)


def sweep() -> None:
    """Removes partial files of killed processes that are over an hour old."""
    oldest = time.time() - LEFTOVER_SECONDS
    for pattern in ("models/*/*", "hub/*", "hub/*/refs"):
        for path in cache_folder().glob(f"{pattern}/{TEMPORARY_PREFIX}*"):
            # Another process may sweep too.
            with suppress(OSError):
                if path.lstat().st_mtime >= oldest:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _repository(model: HubModel) -> Path:
    return cache_folder() / "hub" / model.repo.replace("/", "--")


def _reference(model: HubModel) -> Path:
    return _repository(model) / "refs" / quote(model.revision, safe="")
