"""Weights and recipes: local and cached files are used, others downloaded once."""

import os
import secrets
import shutil
from pathlib import Path

from medzoo.errors import (
    InputError,
    IntegrityError,
    MedzooError,
    MissingFileError,
    OfflineError,
    RecipeError,
)
from medzoo.files import cache_folder, replace_atomically
from medzoo.progress import Progress
from medzoo.transfer import Expected, transfer
from medzoo.zoo.hub import cache
from medzoo.zoo.hub import client as hub
from medzoo.zoo.metrics_json import METRICS_FILE
from medzoo.zoo.recipe.code_files import code_files
from medzoo.zoo.recipe.hub_address import HubModel, is_hub_address, parse_file
from medzoo.zoo.recipe.schema import RECIPE_FILE, Recipe
from medzoo.zoo.recipe.strict_json import FILE_LIMIT, read_json_object, shown
from medzoo.zoo.registry import zoo_folder
from medzoo.zoo.weights import verify_weights

# What a model on a hub may have beside recipe and weights.
_OPTIONAL = (METRICS_FILE, "expected.json")
# A place that the user trusts, laid out as the cache's folder models/.
MIRROR_VARIABLE = "MEDZOO_MIRROR"


def ready_weights(folder: str | Path, recipe: Recipe) -> Path:
    """Gives the verified weights of a model: its own, the cached, or fetched ones.

    Args:
        folder: The model's folder.
        recipe: Its recipe.

    Raises:
        IntegrityError: They do not match the checksum in the recipe.
        MissingFileError: They are missing, and no URL is known.
        OfflineError: They must be fetched, and cannot be.
    """
    folder = Path(folder)
    if recipe.weights is None or (folder / recipe.weights["file"]).is_file():
        return verify_weights(folder, recipe)
    place = cache.weights_place(recipe)
    addresses = _addresses(folder, recipe)
    if place.is_file():
        try:
            return verify_weights(place.parent, recipe)
        except IntegrityError:
            # A disk lies sometimes; where there is another copy, that is no matter.
            if not addresses:
                raise
    check_fetchable(folder, recipe)
    _fetch_weights(folder, recipe, addresses, place)
    return verify_weights(place.parent, recipe)


def check_fetchable(folder: Path, recipe: Recipe) -> None:
    """Checks that a model's weights have a source to download from.

    Raises:
        MissingFileError: Neither its urls, nor the hub that it came by, nor a mirror.
    """
    if not _addresses(folder, recipe):
        raise MissingFileError(
            "The weights must be beside the recipe, or the recipe must give their "
            f"URL, in {folder}. Received: file={recipe.weights['file']}, no urls. "
            f"Install the model again, or set {MIRROR_VARIABLE}."
        )


def hub_model_folder(model: HubModel, *, refresh: bool = False) -> Path:
    """Gives the folder of a model on a hub: its recipe and numbers, without weights.

    Nothing is asked of the hub for a commit that is there already, nor, without
    `refresh`, for a branch or tag that was fetched before.

    Args:
        model: The repository and a revision.
        refresh: Whether to ask which commit a branch or tag names now.

    Raises:
        InputError: There is no such repository or revision, or no model in it.
        IntegrityError: What came is not what the hub lists.
        OfflineError: The hub must be asked, and cannot be.
        RecipeError: The recipe breaks the schema.
    """
    known = cache.pinned(model)
    is_there = known is not None and (cache.hub_folder(known) / RECIPE_FILE).is_file()
    if is_there and (model.is_pinned or not refresh):
        return cache.hub_folder(known)
    if hub.is_offline():
        raise _offline(str(model), "HF_HUB_OFFLINE is set")
    try:
        commit, files = hub.list_files(model)
    except OfflineError as fault:
        raise _offline(str(model), str(fault)) from None
    found = HubModel(model.repo, commit)
    folder = cache.hub_folder(found)
    if not (folder / RECIPE_FILE).is_file():
        _fetch_small_files(found, files, folder)
    if not model.is_pinned:
        cache.remember(model, commit)
    return folder


def _addresses(folder: Path, recipe: Recipe) -> list[str]:
    """Where the weights may be: the user's mirror, the hub they came by, the urls."""
    weights = recipe.weights
    found = []
    if mirror := os.environ.get(MIRROR_VARIABLE):
        if not mirror.startswith(("https://", "file:///")):
            raise InputError(
                f"{MIRROR_VARIABLE} must begin with https:// or file:///. Received: "
                f"{MIRROR_VARIABLE}={shown(mirror)}. Correct it."
            )
        path = f"{recipe.name}/{weights['sha256']}/{weights['file']}"
        found.append(f"{mirror.rstrip('/')}/{path}")
    origin = cache.origin_of(folder)
    if origin is not None:
        found.append(f"hf://{origin.repo}/{weights['file']}@{origin.revision}")
    return found + list(weights["urls"])


def _fetch_weights(folder, recipe, addresses, place):
    weights = recipe.weights
    expected = Expected(weights["bytes"], weights["bytes"], weights["sha256"])
    subject = _subject(folder, recipe)
    usable = [a for a in addresses if a.startswith("file:") or not hub.is_offline()]
    if not usable:
        raise _offline(subject, "HF_HUB_OFFLINE is set")
    place.parent.mkdir(parents=True, exist_ok=True)
    cache.sweep()
    faults = []
    for address in usable:
        try:
            with (
                replace_atomically(place) as temporary,
                Progress(weights["bytes"] // 1000, f"kB of {recipe.name}") as progress,
            ):
                _transfer(
                    address,
                    temporary,
                    expected,
                    lambda done, _: progress(max(1, done // 1000)),
                )
            return
        except MedzooError as fault:
            faults.append(fault)
    said = " ".join(str(fault) for fault in faults)
    if any(isinstance(fault, IntegrityError) for fault in faults):
        raise IntegrityError(said)
    raise _offline(subject, said)


def _subject(folder, recipe):
    """What `medzoo fetch` must be given to fetch this model."""
    origin = cache.origin_of(folder)
    if origin is not None:
        return str(origin)
    return recipe.name if folder == zoo_folder() / recipe.name else str(folder)


def _transfer(address, path, expected, progress=None):
    if not is_hub_address(address):
        transfer(address, path, expected, progress=progress)
        return
    model, file = parse_file(address)
    transfer(
        hub.file_url(model, file),
        path,
        expected,
        headers=hub.file_headers(),
        progress=progress,
    )


def _fetch_small_files(model: HubModel, files: dict, folder: Path) -> None:
    """Downloads recipe and metrics into a folder that appears atomically.

    Only files with names of ours are fetched, whatever names the repository lists.
    """
    if RECIPE_FILE not in files:
        raise InputError(
            f"A model repository must hold {RECIPE_FILE}. Received: {model}, with "
            f"{len(files)} other files. Check the address."
        )
    cache.sweep()
    temporary = folder.with_name(cache.TEMPORARY_PREFIX + secrets.token_hex(8))
    temporary.mkdir(parents=True)
    try:
        _fetch_small(model, files, RECIPE_FILE, temporary)
        content = read_json_object(temporary / RECIPE_FILE, RecipeError)
        recipe = Recipe.from_dict(content, source=f"{model}/{RECIPE_FILE}")
        for name in (*_OPTIONAL, *code_files(recipe.to_dict())):
            if name in files and not (temporary / name).exists():
                _fetch_small(model, files, name, temporary)
        try:
            temporary.rename(folder)
        except OSError:
            # Another process was quicker; its files are those of the same commit.
            if not (folder / RECIPE_FILE).is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fetch_small(model, files, name, folder):
    listed = files[name]
    expected = Expected(FILE_LIMIT, listed.size, git_sha1=listed.git_sha1)
    address = f"hf://{model.repo}/{name}@{model.revision}"
    _transfer(address, folder / name, expected)
    with open(folder / name, "rb+") as file:
        os.fsync(file.fileno())


def _offline(subject: str, reason: str) -> OfflineError:
    return OfflineError(
        f"{subject} must be fetched once, and could not be. Received: {reason}. Run "
        f"`medzoo fetch {subject}` where there is network, and copy what it leaves in "
        f"its cache folder into {cache_folder()} (or set MEDZOO_CACHE to the copy)."
    )
