"""The space of a hyper-parameter search: settings of a recipe, and their ranges."""

import copy

from medzoo.errors import InputError

# What a search may change: a trial is measured on the prepared scans, so not those.
PARTS = ("training", "architecture.arguments")
# Which cases are for what is no hyper-parameter.
FIXED = "training.split"
KEYS = ({"choices"}, {"low", "high"}, {"low", "high", "log"}, {"low", "high", "step"})


def check_space(space, recipe):
    """Raises InputError for a space that a recipe cannot be searched in.

    Args:
        space: dict of dotted path in the recipe, as "training.learning_rate", ->
            `{"low", "high"}`, whole numbers where both are, with "log" (bool) or "step"
            if wanted; or `{"choices": [...]}`.
        recipe: dict.
    """
    if not isinstance(space, dict) or not space:
        raise InputError(
            "A space must be an object of settings and ranges. "
            f"Received: {str(space)[:80]}. See docs/guides/search.md."
        )
    for path, found in space.items():
        inside = any(path.startswith(f"{part}.") for part in PARTS)
        if not inside or f"{path}.".startswith(f"{FIXED}."):
            raise InputError(
                f"A search changes settings of {' and '.join(PARTS)}, but not {FIXED}. "
                f"Received: {path!r}. Take it out of the space."
            )
        if not isinstance(found, dict) or set(found) not in KEYS or not _holds(found):
            raise InputError(
                "A range must be choices, or low and high with log or step, low below "
                f"high. Received: {path}={str(found)[:80]}. Correct the space."
            )
        # Raises for a path that leads nowhere.
        with_values(recipe, {path: _first(found)})


def _holds(found):
    """Whether numbers of a range are in order, and choices plain values."""
    if "choices" in found:
        given = found["choices"]
        return isinstance(given, list) and len(given) > 0
    numbers = [found[key] for key in ("low", "high", "step") if key in found]
    if not all(type(n) in (int, float) for n in numbers):
        return False
    if type(found.get("log", False)) is not bool or found.get("step", 1) <= 0:
        return False
    return found["low"] < found["high"] and not (found.get("log") and found["low"] <= 0)


def _first(found):
    return found["choices"][0] if "choices" in found else found["low"]


def ends_of(space, recipe):
    """Yields the recipe with each choice, and with both ends of each range.

    Args:
        space: dict, checked.
        recipe: dict.
    """
    for path, found in space.items():
        for value in found.get("choices") or (found["low"], found["high"]):
            yield with_values(recipe, {path: value})


def with_values(recipe, values):
    """Returns a copy of the recipe with other values.

    Args:
        recipe: dict.
        values: dict of dotted path -> value; a number in a path is a place in a list.

    Raises:
        InputError: for a path that leads through what the recipe has not.
    """
    recipe = copy.deepcopy(recipe)
    for path, value in values.items():
        *steps, last = path.split(".")
        place = recipe
        try:
            for step in steps:
                place = place[int(step) if isinstance(place, list) else step]
            place[int(last) if isinstance(place, list) else last] = value
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InputError(
                "A setting of a space must be one of the recipe. "
                f"Received: {path!r}. Correct the path."
            ) from error
    return recipe


def suggested(trial, space):
    """Returns a value for each setting, as Optuna suggests it.

    Args:
        trial: `optuna.Trial`.
        space: dict, checked.
    """
    return {path: _suggested(trial, path, found) for path, found in space.items()}


def _suggested(trial, path, found):
    if "choices" in found:
        # Optuna stores plain values; a list is chosen by its place.
        place = trial.suggest_categorical(path, list(range(len(found["choices"]))))
        return found["choices"][place]
    low, high, log = found["low"], found["high"], found.get("log", False)
    if type(low) is int and type(high) is int and type(found.get("step", 1)) is int:
        return trial.suggest_int(path, low, high, step=found.get("step", 1), log=log)
    return trial.suggest_float(path, low, high, step=found.get("step"), log=log)


def values_of(params, space):
    """Returns the values that Optuna's parameters of a trial stand for."""
    return {
        path: found["choices"][params[path]] if "choices" in found else params[path]
        for path, found in space.items()
        if path in params
    }
