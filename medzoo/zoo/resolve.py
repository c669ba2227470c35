"""Resolves a name, a path or a hub address to a model folder."""

from pathlib import Path

from medzoo.errors import InputError, MissingFileError
from medzoo.zoo.recipe.hub_address import is_hub_address, parse_model
from medzoo.zoo.recipe.schema import RECIPE_FILE, Recipe, read_recipe
from medzoo.zoo.recipe.strict_json import shown
from medzoo.zoo.registry import find_entry, list_models, nearest_names


def resolve(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    revision: str | None = None,
) -> Path:
    """Finds a model folder by `name`, `name@version`, path or `hf://org/repo`.

    A string is a path when it holds a slash; a name never reaches the file system
    before it matched the pattern of names. The recipe of a model on a hub is fetched
    once; its weights are not.

    Args:
        source: What a user asks for.
        folder: A zoo folder to search instead of medzoo's own.
        revision: A branch, tag or commit of a model on a hub.

    Returns:
        The folder of the model, whose recipe was read once and is well formed.

    Raises:
        InputError: No model has this name or version, or it takes no revision.
        MissingFileError: The path holds no recipe.json.
        OfflineError: The recipe must be fetched, and cannot be.
        RecipeError: The recipe breaks the schema.
    """
    return resolve_recipe(source, folder, revision=revision)[0]


def resolve_recipe(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    revision: str | None = None,
) -> tuple[Path, Recipe]:
    """Finds a model folder, as `resolve` does, and gives its recipe, read once."""
    if is_hub_address(source):
        # Only an address on a hub needs a client of HTTP.
        from medzoo.zoo.hub.model_files import hub_model_folder

        place = hub_model_folder(parse_model(source, revision))
        return place, read_recipe(place)
    if revision is not None:
        raise InputError(
            f"A revision belongs to a source on a hub. Received: revision="
            f"{shown(revision)}, source={shown(source)}. Use name@version."
        )
    is_path = isinstance(source, Path)
    if isinstance(source, str):
        is_path = "/" in source or "\\" in source
    if is_path and Path(source).is_dir():
        return Path(source), read_recipe(source)
    if is_path:
        nearest = nearest_names(Path(source).name, list_models(folder))
        raise MissingFileError(
            f"A path to a model must be a folder that holds {RECIPE_FILE}. Received: "
            f"source={shown(source)}. {nearest}"
        )
    if not isinstance(source, str):
        return find_entry(source, folder=folder)  # which names the rule
    name, at, version = source.partition("@")
    return find_entry(name, version=version if at else None, folder=folder)
