"""Transfer learning: freezing layers, and feature extraction."""

from typing import Any

import keras

from medzoo.errors import InputError
from medzoo.models.base import layers_of


def freeze(model: Any, but: Any = ("head", "output")) -> Any:
    """Freezes the layers of a model, also those of an ensemble's members.

    Setting `trainable` on `model.layers[:-1]` would freeze all of an ensemble, whose
    layers are its members.

    Args:
        model: Keras model; compile it again after.
        but: tuple of str, or one: layers whose names begin so stay as they are. A part
            of an ensemble may be named too: "member_1/head". Defaults to the head.

    Returns:
        The model.

    Raises:
        InputError: if no layer is named so.

    Example:
        >>> model = medzoo.freeze(medzoo.load("ixi_sex_resnet"), but="head")
        >>> model.compile("adam", "sparse_categorical_crossentropy")
    """
    kept = (but,) if isinstance(but, str) else tuple(but)
    found = list(layers_of(model))
    spared = {place for place, _ in found if _is_named(place, kept)}
    if kept and not spared:
        names = sorted({_name(place) for place, _ in found})
        raise InputError(
            "`but` must name layers of the model. "
            f"Received: but={kept}. Use the beginning of one of {names}."
        )
    for place, layer in found:
        if place not in spared:
            layer.trainable = False
    return model


def features(model: Any, layer: str = "features") -> Any:
    """Returns a model whose output is that of a layer of another model.

    Of an ensemble the mean over its members, whose layers
    `keras.Model(model.input, layer.output)` does not reach; nor does that reach parts
    that are models themselves, as the encoder of an autoencoder.

    Args:
        model: Keras model.
        layer: str, name of the layer.

    Returns:
        `keras.Model` that shares the weights of `model`.

    Raises:
        InputError: if there is no such layer.

    Example:
        >>> body = medzoo.features(medzoo.load("ixi_age_resnet"))
    """
    members = getattr(model, "members", None) or (model,)
    known = [own.name for own in members[0].layers]
    if layer not in known:
        raise InputError(
            "`layer` must be a layer of the model. "
            f"Received: layer={layer!r}. Use one of {known}."
        )
    bodies = [_up_to(m, m.get_layer(layer)) for m in members]
    if len(bodies) == 1:
        return bodies[0]
    inputs = keras.Input(members[0].input_shape[1:], dtype="float32", name="volumes")
    outputs = [body(inputs) for body in bodies]
    return keras.Model(inputs, keras.layers.Average(name="mean_features")(outputs))


def _up_to(model, layer):
    """The part of a model that ends in a layer, which may be a model itself."""
    if not isinstance(layer, keras.Model):
        return keras.Model(model.inputs, layer.output)
    # Its `output` is of its own graph. Of its calls, the last one of this graph counts.
    for node in reversed(layer._inbound_nodes):
        try:
            return keras.Model(model.inputs, node.output_tensors[0])
        except ValueError:  # a call in another graph
            continue
    raise InputError(
        f"`layer` must take part in the model. Received: layer={layer.name!r}."
    )


def _is_named(place, kept):
    return any(place.startswith(k) or _name(place).startswith(k) for k in kept)


def _name(place):
    return place.rpartition("/")[2]
