"""From a fitted model to a model folder, which `medzoo.load` and `publish` take."""

import inspect
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from medzoo.errors import InputError, MissingFileError, RecipeError
from medzoo.files import write_text_atomically
from medzoo.zoo.metrics_json import METRICS_FILE
from medzoo.zoo.recipe.code_files import code_files
from medzoo.zoo.recipe.schema import RECIPE_FILE, Recipe
from medzoo.zoo.registry import zoo_folder

WEIGHTS_FILE = "model.weights.h5"
# Metrics of the previous model, not valid for the new one.
_CALIBRATIONS = ("interval", "spread", "familiarity", "centiles")
# What `get_config` holds besides the arguments of the network.
_NOT_ARGUMENTS = ("name", "trainable", "dtype", "recipe", "frozen")


def save_recipe(
    model: Any,
    folder: str | Path,
    *,
    name: str,
    version: str = "1.0",
    summary: str | None = None,
    licence: str | None = None,
    citation: str | None = None,
    intended_use: str | None = None,
    limits: Any = None,
    data: Any = None,
    postprocessing: Any = None,
    fine_tuned: bool = True,
    dtype: str = "float32",
) -> Path:
    """Writes a model as a folder: recipe.json, model.weights.h5 and expected.json.

    What the model's own recipe says of channels, target, preprocessing and training is
    kept, and so are licence, limits and citation, which bind what is made of it too.
    Intervals calibrated on the old weights are not kept, and a metrics.json that lies
    in the folder is removed: it measured others.

    Args:
        model: medzoo model that carries a recipe (of `medzoo.load`, then fitted).
        folder: path, made if it is not there.
        name: str, `[a-z0-9_]{1,64}`, other than that of the model it was made from.
        version: str, as "1.0".
        summary: str, one line, or None.
        licence: str, SPDX expression of the weights' licence, or None for the old.
        citation: str, or None for the old.
        intended_use: str, or None for the old.
        limits: list of str, or None for the old ones.
        data: list of `{"name", "cases", "licence", "role"}`, what it was trained on.
        postprocessing: list of steps, or None for the old ones without calibrations.
        fine_tuned: bool, whether the model was made from the trained weights of the
            model in its recipe: then that one is named as `base_model`, and its data
            are listed too. False for a model trained from fresh weights.
        dtype: str, "float32" keeps predictions bit for bit; "float16" halves the file.

    Returns:
        pathlib.Path, `folder`.

    Raises:
        InputError: for name and version of the very model that it comes from.
        MissingFileError: if the recipe has a table of codes that is not there.
        RecipeError: if the model has no recipe, or the new one breaks the schema.

    Example:
        >>> medzoo.save_recipe(model, "knee_age", name="knee_age", data=[...])
    """
    old = _recipe_of(model)
    if fine_tuned and (name, version) == (old["name"], old["version"]):
        raise InputError(
            f"A fine-tuned model must have a name or a version of its own. Received: "
            f"name={name}, version={version}. Choose another."
        )
    changes = {
        "summary": summary,
        "licence": licence,
        "citation": citation,
        "intended_use": intended_use,
        "limits": limits,
        "data": data,
        "postprocessing": postprocessing,
    }
    said = {key: value for key, value in changes.items() if value is not None}
    content = _content(model, old, {"name": name, "version": version, **said})
    if fine_tuned:
        content |= _provenance(old, said)
    Recipe.from_dict(content, source=f"the recipe of {name}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _bring_codes(content, old, folder)
    _write(model, content, folder, dtype)
    return folder


def _recipe_of(model):
    from medzoo.models.from_recipe import CLASSES

    recipe = getattr(model, "recipe", None)
    if recipe is None or type(model).__name__ not in CLASSES:
        raise RecipeError(
            f"A saved model must be one of medzoo's with a recipe. Received: a "
            f"{type(model).__name__}. Bring it back with medzoo.attach(model, name)."
        )
    return recipe


def _content(model, old, changes):
    """The new recipe, still without weights."""
    architecture = {"class": type(model).__name__, "arguments": _arguments_of(model)}
    content = {
        **old,
        "architecture": architecture,
        "postprocessing": [
            step for step in old["postprocessing"] if step["step"] not in _CALIBRATIONS
        ],
        **changes,
        "weights": None,
    }
    content.pop("base_model", None)
    return content


def _provenance(old, changes):
    """The `base_model` entry of a fine-tuned model.

    Data of that one are marked as such: their licences still bind.
    """
    base = {key: old[key] for key in ("name", "version")}
    if old.get("weights"):
        base["sha256"] = old["weights"]["sha256"]
    data = [
        data
        if data["role"].startswith("base model")
        else {**data, "role": f"base model {old['name']}: {data['role']}"[:200]}
        for data in old["data"]
    ]
    return {
        "base_model": base,
        "summary": changes.get("summary")
        or f"Fine-tuned from {old['name']} {old['version']}",
        "data": [*changes.get("data", []), *data],
    }


def _bring_codes(content, old, folder):
    """Copies the recipe's tables of codes beside it, unless they are there."""
    for codes in code_files(content):
        source = zoo_folder() / old["name"] / codes
        if (folder / codes).is_file():
            continue
        if source.is_file():
            shutil.copyfile(source, folder / codes)
        elif codes == (content["target"] or {}).get("codes"):
            raise MissingFileError(
                f"The recipe's table of codes must lie in the folder, in {folder}. "
                f"Received: codes={codes}. Put it there first."
            )


def _write(model, content, folder, dtype):
    from medzoo.models.from_recipe import build_model
    from medzoo.training.weights_file import write_weights
    from medzoo.zoo.golden import write_expected

    # Uncompiled: the state of the optimizer is not published.
    plain = build_model(content)
    plain.set_weights(model.get_weights())
    with suppress(FileNotFoundError):
        (folder / METRICS_FILE).unlink()
    facts = write_weights(plain, folder / WEIGHTS_FILE, dtype=dtype)
    text = json.dumps(
        {**content, "weights": {**facts, "urls": []}},
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )
    write_text_atomically(folder / RECIPE_FILE, text + "\n")
    if dtype != "float32":
        plain.load_weights(folder / WEIGHTS_FILE)
    write_expected(plain, folder)


def _arguments_of(model):
    """The network's constructor arguments, without defaults that are objects.

    A recipe holds names of activations and no objects of Keras.
    """
    from medzoo.models.base import plain

    given = model.get_config()
    defaults = inspect.signature(type(model)).parameters
    return {
        name: value
        for name, value in given.items()
        if name not in _NOT_ARGUMENTS
        and not (isinstance(value, dict) and value == plain(defaults[name].default))
    }
