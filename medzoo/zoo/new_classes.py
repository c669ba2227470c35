"""A model of the zoo made a classifier of other classes, for fine-tuning."""

from medzoo.zoo.recipe.tasks import TASKS

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
        ValueError: if names and number differ, there are fewer than two classes, or
            the network has none.
    """
    from medzoo.models.from_recipe import with_new_head

    names = list(class_names or (f"class_{k}" for k in range(num_classes)))
    if num_classes < 2 or len(names) != num_classes or len(set(names)) != len(names):
        raise ValueError(
            "`class_names` must be distinct, one for each of at least two classes. "
            f"Received: num_classes={num_classes}, class_names={names}."
        )
    return with_new_head(model, num_classes, _with_classes(model.recipe, names))


def _with_classes(recipe, class_names):
    """The recipe of a model of these classes, without what holds for the old ones."""
    target = recipe.get("target") or {"column": "label"}
    # Codes and value maps are those of the old classes.
    recipe["target"] = {k: target[k] for k in ("column", "label_map") if k in target}
    recipe["task"] = TASKS[recipe["task"]].with_classes or recipe["task"]
    recipe.pop("unit", None)
    recipe["class_names"] = class_names
    recipe["postprocessing"] = [
        step for step in recipe["postprocessing"] if step["step"] not in _OF_CLASSES
    ]
    training = recipe.get("training", {})
    for name in _OPTIONS_OF_CLASSES:
        training.get("options", {}).pop(name, None)
    if "unions" in (training.get("loss") or {}).get("arguments", {}):
        del training["loss"]
    recipe["weights"] = None
    return recipe
