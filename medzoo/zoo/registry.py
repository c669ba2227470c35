"""The models of the zoo: one folder a model, found by scanning the zoo folder."""

import difflib
import re
from pathlib import Path

from medzoo.errors import InputError, MissingFileError, RecipeError
from medzoo.zoo.hub_address import is_hub_address, parse_model
from medzoo.zoo.recipe import RECIPE_FILE, Recipe, read_recipe
from medzoo.zoo.strict_json import shown

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_PACKAGE = Path(__file__).resolve().parents[1]


def zoo_folder() -> Path:
    """Gives the folder that holds one folder a model.

    An installed wheel carries it inside the package; a checkout (and an editable
    install of one) has it beside pyproject.toml.

    Raises:
        MissingFileError: Neither is there: the installation is not complete.
    """
    installed = _PACKAGE / "_zoo_models"
    if installed.is_dir():
        return installed
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return _PACKAGE.parent / "zoo_models"
    raise MissingFileError(
        f"The zoo folder is missing in the installed package. Received: "
        f"path={installed}. Install medzoo again."
    )


def list_models(folder: str | Path | None = None) -> list[str]:
    """Lists the names of the models in the zoo.

    Args:
        folder: A zoo folder to read instead of medzoo's own.

    Returns:
        The names, sorted.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if _NAME.fullmatch(entry.name) and (entry / RECIPE_FILE).is_file()
    )


def find(
    name: str, version: str | None = None, folder: str | Path | None = None
) -> Path:
    """Finds the folder of a model by its name.

    Args:
        name: A name as `list_models` gives it.
        version: The version that the model must have; None accepts the one there is.
        folder: A zoo folder to search instead of medzoo's own.

    Returns:
        The folder of the model.

    Raises:
        InputError: There is no such model, or not in that version.
        RecipeError: Its recipe breaks the schema, or names another model.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    names = list_models(folder)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"A model name must match {_NAME.pattern} in the zoo. Received: "
            f"name={shown(name)}. {_offer(name, names)}"
        )
    if name not in names:
        raise InputError(
            f"No model has this name in the zoo. Received: name={shown(name)}. "
            f"{_offer(name, names)}"
        )
    recipe = read_entry(folder / name)
    if version is not None and version != recipe.version:
        raise InputError(
            f"Model {name} has no such version in the zoo. Received: "
            f"version={shown(version)}. Use {name}@{recipe.version}."
        )
    return folder / name


def read_entry(folder: Path) -> Recipe:
    """Reads the recipe of a zoo entry, whose folder must carry the model's name.

    Raises:
        MissingFileError: There is no recipe.json.
        RecipeError: It breaks the schema, or names another model.
    """
    recipe = read_recipe(folder)
    if recipe.name != folder.name:
        raise RecipeError(
            f"A model's folder must carry its name in {folder / RECIPE_FILE}. "
            f"Received: name={shown(recipe.name)}. Rename the folder or the model."
        )
    return recipe


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
    if is_hub_address(source):
        from medzoo.zoo.fetch import hub_model_folder

        return hub_model_folder(parse_model(source, revision))
    if revision is not None:
        raise InputError(
            f"A revision belongs to a source on a hub. Received: revision="
            f"{shown(revision)}, source={shown(source)}. Use name@version."
        )
    is_path = isinstance(source, Path)
    if isinstance(source, str):
        is_path = "/" in source or "\\" in source
    if is_path and Path(source).is_dir():
        read_recipe(source)
        return Path(source)
    if is_path:
        raise MissingFileError(
            f"A path to a model must be a folder that holds {RECIPE_FILE}. Received: "
            f"source={shown(source)}. {_offer(Path(source).name, list_models(folder))}"
        )
    if not isinstance(source, str):
        return find(source, folder=folder)  # which names the rule
    name, at, version = source.partition("@")
    return find(name, version=version if at else None, folder=folder)


def _offer(name: object, names: list[str]) -> str:
    if not names:
        return "This zoo holds no models."
    wanted = str(name)[:64].lower()
    nearest = difflib.get_close_matches(wanted, names, n=3, cutoff=0.0)
    return f"Nearest names: {', '.join(nearest)}."
