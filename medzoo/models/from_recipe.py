"""A network as a recipe describes it, and the same with another head."""

import inspect

import keras

from medzoo.errors import RecipeError
from medzoo.models.anatomy_readout import BODY_NAME, AnatomyReadout3D
from medzoo.models.autoencoder import ConvolutionalAutoencoder3D
from medzoo.models.base import VolumeModel
from medzoo.models.dcgan import DCGAN3D
from medzoo.models.dcgan_networks import Discriminator3D, Generator3D
from medzoo.models.deepmedic import DeepMedic3D
from medzoo.models.ensemble import Ensemble3D
from medzoo.models.fcn import FCN3D
from medzoo.models.residual_unet import ResidualUNet3D
from medzoo.models.resnet import READOUT_NAME, ResNet3D
from medzoo.models.super_resolution import SuperResolution3D

# The allow-list: a class name in a recipe never reaches an import.
CLASSES = {
    "AnatomyReadout3D": AnatomyReadout3D,
    "ConvolutionalAutoencoder3D": ConvolutionalAutoencoder3D,
    "DCGAN3D": DCGAN3D,
    "DeepMedic3D": DeepMedic3D,
    "Discriminator3D": Discriminator3D,
    "Ensemble3D": Ensemble3D,
    "FCN3D": FCN3D,
    "Generator3D": Generator3D,
    "ResNet3D": ResNet3D,
    "ResidualUNet3D": ResidualUNet3D,
    "SuperResolution3D": SuperResolution3D,
}


# Steps that say something of the old classes or of what was measured for them.
_OF_CLASSES = ("interval", "familiarity", "guide", "sides", "groups", "centiles")


def build_model(recipe, **overrides):
    """Builds the recipe's network with fresh weights.

    Args:
        recipe: dict, the recipe's content.
        **overrides: constructor arguments of the network (of an ensemble: of its
            members, but for `num_members`) that replace those of the recipe.

    Returns:
        Keras model that carries the recipe.

    Raises:
        RecipeError: for arguments that the class does not take.
    """
    architecture = recipe["architecture"]
    arguments = dict(architecture["arguments"])
    outer = {k: overrides.pop(k) for k in ("name", "dtype") if k in overrides}
    if "member" in arguments:
        if "num_members" in overrides:
            arguments["num_members"] = overrides.pop("num_members")
        member = dict(arguments["member"])
        member["arguments"] = {**member["arguments"], **overrides}
        arguments["member"] = member
    else:
        arguments.update(overrides)
    outer.setdefault("name", recipe["name"])
    try:
        return CLASSES[architecture["class"]](**arguments, **outer, recipe=recipe)
    except (TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise RecipeError(
            "The arguments of a network must be those of its class. Received: "
            f"overrides={sorted(overrides)}: {type(error).__name__}: {error}. "
            "Correct the recipe, or what was given instead."
        ) from error


def with_new_head(model, num_classes, class_names=None):
    """Returns the network with a fresh head for other classes and its trained body.

    A segmentation network goes on giving classes of voxels; one that gives a number
    or classes of volumes becomes a classifier of volumes.

    Args:
        model: medzoo model whose class has an argument `num_classes`, or an ensemble
            of such; with a recipe or without.
        num_classes: int, at least 2.
        class_names: list of str, or None for "class_0", "class_1", ...

    Returns:
        A new model; its recipe, if there is one, tells the new classes and no longer
        vouches for weights.

    Raises:
        ValueError: if names and number differ, there are fewer than two classes, or
            the network has none.
    """
    names = list(class_names or (f"class_{k}" for k in range(num_classes)))
    if num_classes < 2 or len(names) != num_classes or len(set(names)) != len(names):
        raise ValueError(
            "`class_names` must be distinct, one for each of at least two classes. "
            f"Received: num_classes={num_classes}, class_names={names}."
        )
    config = model.get_config()
    # Which layers were frozen is no part of another network.
    config.pop("frozen", None)
    recipe = config["recipe"]
    _set_classes(type(model).__name__, config, num_classes)
    if recipe is not None:
        architecture = recipe["architecture"]
        _set_classes(architecture["class"], architecture["arguments"], num_classes)
        _tell_classes(recipe, names)
    fresh = type(model).from_config(config)
    copy_body(model, fresh)
    return fresh


def copy_body(source, target):
    """Copies all weights but the head's between networks of one topology."""
    for layer in source.layers:
        if in_head(layer.name) or not layer.weights:
            continue
        if layer.name == BODY_NAME:
            # Its own head is part of the body.
            target.get_layer(layer.name).set_weights(layer.get_weights())
        elif isinstance(layer, keras.Model):
            copy_body(layer, target.get_layer(layer.name))
        else:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def in_head(name):
    """Whether a layer's weights or constants belong to the target, not to the body."""
    return name.startswith((VolumeModel.head_name, "output")) or name == READOUT_NAME


def _set_classes(class_name, arguments, num_classes):
    """Changes constructor arguments to those of a network with other classes."""
    if "member" in arguments:
        member = arguments["member"]
        return _set_classes(member["class"], member["arguments"], num_classes)
    if "num_classes" not in inspect.signature(CLASSES[class_name]).parameters:
        raise ValueError(
            "Only a network with classes takes another head. "
            f"Received: a model of class {class_name}."
        )
    arguments["num_classes"] = num_classes
    # What brought a number into its unit means nothing for a logit.
    for name, neutral in (("output_scale", 1.0), ("output_offset", 0.0)):
        if name in arguments:
            arguments[name] = neutral
    return None


def _tell_classes(recipe, class_names):
    target = recipe.get("target") or {"column": "label"}
    # Codes and value maps are those of the old classes.
    recipe["target"] = {k: target[k] for k in ("column", "label_map") if k in target}
    if recipe["task"] != "segmentation":
        recipe["task"] = "classification"
    recipe.pop("unit", None)
    recipe["class_names"] = class_names
    # An interval in years means nothing for a class, codes of regions for others.
    recipe["postprocessing"] = [
        step for step in recipe["postprocessing"] if step["step"] not in _OF_CLASSES
    ]
    training = recipe.get("training", {})
    _forget_classes(training.get("options", {}))
    if "unions" in (training.get("loss") or {}).get("arguments", {}):
        del training["loss"]
    recipe["weights"] = None


def _forget_classes(options):
    """Drops from the options of a training what names the old classes of voxels."""
    for name in ("class_weights", "reference_class", "sources"):
        options.pop(name, None)
