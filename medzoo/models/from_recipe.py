"""Building a network from a recipe, and replacing its head."""

import inspect

import keras

from medzoo.errors import RecipeError
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
        model = CLASSES[architecture["class"]](**arguments, **outer, recipe=recipe)
    except (
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        ArithmeticError,
    ) as error:
        raise RecipeError(
            "The arguments of a network must be those of its class. Received: "
            f"overrides={sorted(overrides)}: {type(error).__name__}: {error}. "
            "Correct the recipe, or what was given instead."
        ) from error
    if "num_classes" not in overrides:
        _check_outputs(model, recipe)
    return model


def _check_outputs(model, recipe):
    """Refuses a network with more or fewer outputs than there are names for.

    Raises:
        RecipeError: telling both numbers.
    """
    names = recipe.get("class_names")
    wanted = len(names) if names else 1 if "unit" in recipe else None
    graph = getattr(model, "outputs", None)
    outputs = graph[0].shape[-1] if graph else wanted
    if wanted and outputs != wanted:
        raise RecipeError(
            "A network must have an output for each class, or one for a value. "
            f"Received: {outputs} outputs, class_names={names}. "
            "Correct num_classes or class_names."
        )


def with_new_head(model, num_classes, recipe=None):
    """Returns the network with a fresh head for other classes and its trained body.

    Args:
        model: medzoo model whose class has an argument `num_classes`, or an ensemble
            of such.
        num_classes: int, at least 2.
        recipe: dict or None, the recipe that the new model carries; the arguments of
            its network become those of the new one.

    Returns:
        A new model.

    Raises:
        ValueError: if the network has no classes.
    """
    config = {**model.get_config(), "recipe": recipe}
    # Which layers were frozen is no part of another network.
    config.pop("frozen", None)
    _set_classes(type(model).__name__, config, num_classes)
    if recipe is not None:
        architecture = recipe["architecture"]
        _set_classes(architecture["class"], architecture["arguments"], num_classes)
    fresh = type(model).from_config(config)
    copy_body(model, fresh)
    return fresh


def copy_body(source, target):
    """Copies all weights but the head's between networks of one topology."""
    for layer in source.layers:
        if in_head(layer.name) or not layer.weights:
            continue
        if isinstance(layer, keras.Model):
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
            "Only a network with `num_classes` can get another head. "
            f"Received: a model of class {class_name}."
        )
    arguments["num_classes"] = num_classes
    # What brought a number into its unit means nothing for a logit.
    for name, neutral in (("output_scale", 1.0), ("output_offset", 0.0)):
        if name in arguments:
            arguments[name] = neutral
    return None
