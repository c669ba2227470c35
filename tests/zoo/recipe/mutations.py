"""Recipes in which one value is another one, and whether what is left works."""

import copy

import numpy as np

from medzoo.data.cases.balance import read_balance
from medzoo.data.cases.case_sources import read_sources, unions_of
from medzoo.data.cases.training_views import read_views
from medzoo.preprocess import make_layer
from medzoo.training.objective import make_loss
from medzoo.training.settings import TrainingSettings

VALUES = (
    None, True, "", "x", "../x", -1, 0, 1, 1.5, 2**31, 1e300, float("nan"), [], [[]],
    {}, {"class": "Lambda"}, [1, "x"], [1, 0, 5, 2],
)  # fmt: skip
SIDE = 6


def leaves(value, path=()):
    """Paths of values; of long lists and objects the first and the last alone."""
    yield path
    if isinstance(value, dict):
        keys = list(value)
        keys = keys if len(keys) <= 12 or not path else [keys[0], keys[-1]]
    elif isinstance(value, list):
        keys = list(range(len(value)))
        keys = keys if len(keys) <= 3 else [0, len(value) - 1]
    else:
        return
    for key in keys:
        yield from leaves(value[key], (*path, key))


def mutants(content, part):
    """Gives `(path, value, recipe)` for each value and unknown key in a part."""
    start = content
    for key in part:
        start = start[key]
    for path in leaves(start):
        place = start
        for key in path:
            place = place[key]
        changes = [] if not path else list(VALUES)
        if isinstance(place, dict):
            changes.append({**place, "colour": 1})
        for value in changes:
            yield (*part, *path), value, replaced(content, (*part, *path), value)


def replaced(content, path, value):
    """A copy of a recipe with another value at a path; the rest is shared."""
    if not path:
        return copy.deepcopy(value)
    result = copy.copy(content)
    inner = content.get(path[0]) if isinstance(content, dict) else content[path[0]]
    result[path[0]] = replaced(inner, path[1:], value)
    return result


def use(recipe, path):
    """Makes and runs what the changed part of an accepted recipe is for."""
    TrainingSettings.from_recipe(recipe)
    training = recipe["training"]
    make_loss(recipe)
    read_balance(training)
    read_views(training)
    if "class_names" in recipe:
        unions_of(training)
        read_sources(training)
    place, last = recipe, None
    for key in path:
        place = place[key]
        if isinstance(place, dict) and "class" in place:
            last = place
    if last is not None and "loss" not in path and "architecture" not in path:
        run_layer(last)


def run_layer(settings):
    """Calls a layer in training on a small batch; its numbers must be finite."""
    layer = make_layer(settings)
    arguments = settings.get("arguments", {})
    generator = np.random.default_rng(0)
    labels = arguments.get("labels", range(4))
    side = arguments.get("block", SIDE)
    masks = generator.choice(list(labels), (1, side, side, side, 1))
    images = generator.uniform(0.1, 1, (1, side, side, side, 1))
    data = {"images": images.astype("f"), "segmentation_masks": masks.astype("i")}
    if settings["class"] == "RandomLesions":
        contrast = arguments.get("contrast")
        if contrast and isinstance(contrast[0], list):
            data["images"] = np.repeat(data["images"], len(contrast), -1)
    if settings["class"] == "MarkChannels":
        data = data["images"]
    found = layer(data, training=True)
    found = found["images"] if isinstance(found, dict) else found
    assert np.isfinite(np.asarray(found)).all(), settings
