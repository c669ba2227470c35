"""A network as a recipe describes it, and the same with another head."""

from medzoo.models.base import VolumeModel
from medzoo.models.ensemble import Ensemble3D
from medzoo.models.resnet import READOUT_NAME, ResNet3D

# The allow-list: a class name in a recipe never reaches an import.
CLASSES = {"Ensemble3D": Ensemble3D, "ResNet3D": ResNet3D}
# Layers whose weights or constants belong to the target, not to the body.
HEAD_LAYERS = (VolumeModel.head_name, READOUT_NAME, "output")


def build_model(recipe, **overrides):
    """Builds the recipe's network with fresh weights.

    Args:
        recipe: dict, the recipe's content.
        **overrides: constructor arguments of the network (of an ensemble: of its
            members) that replace those of the recipe.

    Returns:
        Keras model that carries the recipe.

    Raises:
        ValueError: for arguments that the class does not take.
    """
    architecture = recipe["architecture"]
    arguments = dict(architecture["arguments"])
    outer = {k: overrides.pop(k) for k in ("name", "dtype") if k in overrides}
    if "member" in arguments:
        member = dict(arguments["member"])
        member["arguments"] = {**member["arguments"], **overrides}
        arguments["member"] = member
    else:
        arguments.update(overrides)
    outer.setdefault("name", recipe["name"])
    try:
        return CLASSES[architecture["class"]](**arguments, **outer, recipe=recipe)
    except TypeError as error:
        raise ValueError(
            "The arguments of a network must be those of its class. "
            f"Received: overrides={sorted(overrides)}: {error}."
        ) from error


def with_new_head(model, num_classes, class_names=None):
    """Returns the network with a fresh head for classification and its trained body.

    Args:
        model: medzoo model with a recipe.
        num_classes: int, at least 2.
        class_names: list of str, or None for "class_0", "class_1", ...

    Returns:
        A new model; its recipe says classification and no longer vouches for weights.

    Raises:
        ValueError: if names and number differ, or there are fewer than two classes.
    """
    names = list(class_names or (f"class_{k}" for k in range(num_classes)))
    if num_classes < 2 or len(names) != num_classes or len(set(names)) != len(names):
        raise ValueError(
            "`class_names` must be distinct, one for each of at least two classes. "
            f"Received: num_classes={num_classes}, class_names={names}."
        )
    recipe = _as_classifier(model.recipe, num_classes, names)
    fresh = build_model(recipe)
    copy_body(model, fresh)
    return fresh


def copy_body(source, target):
    """Copies all weights but the head's between networks of one topology."""
    for layer in source.layers:
        if isinstance(layer, VolumeModel):
            copy_body(layer, target.get_layer(layer.name))
        elif layer.name not in HEAD_LAYERS and layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def _as_classifier(recipe, num_classes, class_names):
    head = {"num_classes": num_classes, "output_scale": 1.0, "output_offset": 0.0}
    arguments = recipe["architecture"]["arguments"]
    if "member" in arguments:
        arguments = arguments["member"]["arguments"]
    arguments.update(head)
    recipe.pop("unit", None)
    recipe["task"] = "classification"
    recipe["class_names"] = class_names
    recipe["target"] = {"column": (recipe.get("target") or {}).get("column", "label")}
    # An interval in years means nothing for a class.
    recipe["postprocessing"] = [
        step for step in recipe["postprocessing"] if step["step"] != "interval"
    ]
    recipe["weights"] = None
    return recipe
