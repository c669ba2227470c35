"""medzoo.search: searches settings of a model's training on cases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from medzoo.errors import InputError
from medzoo.zoo.quiet_keras import import_keras
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.strict_json import read_json_object
from medzoo.zoo.resolve import resolve_recipe


def search(
    source: str | Path,
    cases: Any,
    output: str | Path,
    *,
    space: dict | str | Path,
    trials: int,
    target: str | None = None,
    restart: bool = False,
    precision: str | None = None,
    workers: int | None = None,
    devices: int | None = None,
    threads: int | None = None,
    log: Callable[[str], Any] | None = None,
) -> Path:
    """Searches hyper-parameters by Optuna; an interrupted search is resumed.

    The cases that a training with this recipe is judged on (the first fold, or the
    recipe's own split) are in no trial. Each trial trains on some of the others, from
    fresh weights, and is judged on the rest.

    Args:
        source: str or path, as of `medzoo.train`.
        cases: likewise.
        output: path of a folder; `best` in it is what `medzoo.train` takes, trials.csv
            has all trials, search.json says which cases were in none.
        space: dict, or path of a JSON file: dotted path in the recipe, as
            "training.learning_rate", -> `{"low", "high"}` with "log" or "step" if
            wanted, or `{"choices": [...]}`.
        trials: int, in all.
        target: str or None, COLUMN or COLUMN:CODES.csv instead of the recipe's.
        restart: bool, remove an earlier search in `output` first.
        precision: as of `medzoo.train`.
        workers: likewise.
        devices: likewise.
        threads: likewise.
        log: callable taking a line, or None.

    Returns:
        pathlib.Path of the folder with the best recipe.

    Raises:
        InputError: for a space that does not fit the recipe, or an earlier search in
            `output` of other data, another recipe or space.
        medzoo.errors.Terminated: after SIGTERM, when the state is saved.
    """
    folder, recipe = resolve_recipe(source)
    if not isinstance(space, dict):
        space = read_json_object(Path(space), InputError, of_model=False)
    # Refused so far without keras; the limit works before its import only.
    import_keras(threads)
    from medzoo.datasets.known_layouts import named_cases
    from medzoo.training.search import search as search_recipe
    from medzoo.training.search_space import check_space, ends_of

    check_space(space, recipe.to_dict())
    for changed in ends_of(space, recipe.to_dict()):
        # Raises RecipeError for values that no recipe may have.
        Recipe.from_dict(changed)
    return search_recipe(
        recipe.to_dict(),
        named_cases(cases),
        output,
        space=space,
        trials=trials,
        target=target,
        tables=folder,
        precision=precision,
        workers=workers,
        devices=devices,
        restart=restart,
        log=log,
    )
