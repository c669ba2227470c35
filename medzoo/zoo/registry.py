"""The models of the zoo: one folder a model, found by scanning the zoo folder."""

import difflib
import re
from pathlib import Path

from medzoo.errors import InputError, MissingFileError, RecipeError
from medzoo.zoo.recipe.schema import RECIPE_FILE, Recipe, read_recipe
from medzoo.zoo.recipe.strict_json import shown

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
    return find_entry(name, version, folder)[0]


def find_entry(
    name: str, version: str | None = None, folder: str | Path | None = None
) -> tuple[Path, Recipe]:
    """Finds a model by its name, as `find` does, and gives its recipe too."""
    folder = zoo_folder() if folder is None else Path(folder)
    names = list_models(folder)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"A model name must match {_NAME.pattern} in the zoo. Received: "
            f"name={shown(name)}. {nearest_names(name, names)}"
        )
    if name not in names:
        raise InputError(
            f"No model has this name in the zoo. Received: name={shown(name)}. "
            f"{nearest_names(name, names)}"
        )
    recipe = read_entry(folder / name)
    if version is not None and version != recipe.version:
        raise InputError(
            f"Model {name} has no such version in the zoo. Received: "
            f"version={shown(version)}. Use {name}@{recipe.version}."
        )
    return folder / name, recipe


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


def nearest_names(name: object, names: list[str]) -> str:
    """Returns a sentence with the names that come nearest to one that is not there."""
    if not names:
        return "This zoo holds no models."
    wanted = str(name)[:64].lower()
    nearest = difflib.get_close_matches(wanted, names, n=3, cutoff=0.0)
    return f"Nearest names: {', '.join(nearest)}."
