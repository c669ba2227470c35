"""A new classification head on a trained body, for fine-tuning."""

from medzoo.errors import InputError
from medzoo.zoo.recipe.tasks import TASKS
from medzoo.zoo.recipe.training_options import MOST_CLASSES

# Steps whose arguments belong to the old classes or were measured for them.
_OF_CLASSES = ("interval", "familiarity", "guide", "sides", "groups", "centiles")
# Options of a training that name the old classes.
_OPTIONS_OF_CLASSES = ("class_weights", "reference_class", "sources")


def with_new_classes(model, num_classes, class_names=None):
    """Returns the model with a fresh head for other classes and its trained body.

    A segmentation network goes on giving classes of voxels; one that gives a number
    or classes of volumes becomes a classifier of volumes.

    Args:
        model: medzoo model with a recipe.
        num_classes: int, at least 2.
        class_names: list of str, or None for "class_0", "class_1", ...

    Returns:
        A new model; its recipe names the new classes and has no weights.

    Raises:
        InputError: if names and number differ, there are fewer than two classes or
            more than `MOST_CLASSES`, or the number is none.
        ValueError: if the network has no classes.
    """
    from medzoo.models.from_recipe import with_new_head

    if not isinstance(num_classes, int) or not 2 <= num_classes <= MOST_CLASSES:
        raise InputError(
            f"`num_classes` must be a whole number within 2..{MOST_CLASSES}. "
            f"Received: num_classes={num_classes!r}."
        )
    names = class_names
    if names is None:
        names = [f"class_{k}" for k in range(num_classes)]
    # A text is a sequence too, of letters.
    several = isinstance(names, list | tuple)
    if (
        not several
        or len({*map(str, names)}) != len(names)
        or len(names) != num_classes
    ):
        raise InputError(
            "`class_names` must be a list of distinct names, one a class. "
            f"Received: num_classes={num_classes}, class_names={class_names!r}."
        )
    names = list(names)
    return with_new_head(model, num_classes, _with_classes(model.recipe, names))


def _with_classes(recipe, class_names):
    """The recipe of a model of these classes, without what holds for the old ones."""
    target = recipe.get("target") or {"column": "label"}
    # Codes and value maps are those of the old classes.
    recipe["target"] = {k: target[k] for k in ("column", "label_map") if k in target}
    task = TASKS[recipe["task"]].with_classes
    recipe.pop("unit", None)
    recipe["class_names"] = class_names
    recipe["postprocessing"] = [
        step for step in recipe["postprocessing"] if step["step"] not in _OF_CLASSES
    ]
    training = recipe.get("training", {})
    for name in _OPTIONS_OF_CLASSES:
        training.get("options", {}).pop(name, None)
    # A loss of numbers is none of classes, and one of classes may count them.
    loss = (training.get("loss") or {}).get("arguments", {})
    if task is not None or {"unions", "class_weights"} & set(_names(loss)):
        training.pop("loss", None)
    recipe["task"] = task or recipe["task"]
    recipe["weights"] = None
    return recipe


def _names(arguments):
    """Names of arguments of a loss, and of the loss inside it."""
    for name, value in arguments.items():
        yield name
        if isinstance(value, dict):
            yield from _names(value)
