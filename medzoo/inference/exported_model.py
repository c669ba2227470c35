"""A model of the zoo as exported networks, which OpenVINO runs without Keras.

What is exported is kept in the cache under the recipe and the hash of the weights,
whose file was verified. A part that is not there yet is made by Keras, once.
"""

from functools import cached_property

import numpy as np

from medzoo.contrast_distance import ZONES, scanner_distances, zone_means
from medzoo.inference.exported_cache import key_of_part
from medzoo.inference.one_output import network_of

# Whichever of them Keras computes with.
PACKAGES = ("openvino", "keras", "tensorflow", "jax", "torch")
CONTRASTS = "layers/known_contrasts/vars"


def can_be_exported(settings):
    """Whether an `ExportedModel` does all that is asked of a model.

    Args:
        settings: `medzoo.inference.settings.Settings`.
    """
    # The members of an ensemble are asked one by one.
    return settings.engine == "openvino" and settings.uncertainty != "ensemble"


class ExportedPart:
    """A network of a zoo model, exported when it is first asked for.

    Args:
        name: str, "" for the model itself, or the attribute that the network is.
        recipe: dict, the recipe's content.
        load: callable without arguments that gives the Keras model.
    """

    def __init__(self, name, recipe, load):
        self._name = name
        self._recipe = recipe
        self._load = load
        self._networks = {}

    def network(self, precision, softmax=False, classes=False):
        """Returns what runs it; arguments as of `engine_of`.

        Raises:
            InputError: for a network that OpenVINO cannot run.
        """
        kind = (precision, bool(softmax), classes)
        if kind not in self._networks:
            part = f"{self._name} softmax={kind[1]} classes={kind[2]}"
            self._networks[kind] = exported(
                part,
                self._recipe,
                lambda: network_of(self._own(), softmax, classes),
                precision,
            )
        return self._networks[kind]

    def _own(self):
        model = self._load()
        return getattr(model, self._name) if self._name else model


class ExportedModel(ExportedPart):
    """A model of the zoo, for a `Task`: its network, its layers, its known contrasts.

    Args:
        recipe: dict, the recipe's content, with weights.
        weights: path of the weights file, which was verified.
        load: callable without arguments that gives the Keras model.
        preprocessor: `Preprocessor` of the recipe.
    """

    def __init__(self, recipe, weights, load, preprocessor):
        super().__init__("", recipe, load)
        self._weights = weights
        self._preprocessor = preprocessor
        self._layers = {}

    @cached_property
    def encoder(self):
        """The part of an autoencoder that gives the code."""
        return ExportedPart("encoder", self._recipe, self._load)

    @cached_property
    def decoder(self):
        """The part of an autoencoder that gives the image."""
        return ExportedPart("decoder", self._recipe, self._load)

    def normalize(self, batch):
        """Applies the recipe's layers as `Preprocessor.normalize` does, float32.

        Args:
            batch: `(batch, x, y, z, channels)` float32.
        """
        if not self._preprocessor.layer_settings:
            return np.asarray(batch, np.float32)
        sizes = self._sizes(batch.shape)
        if sizes not in self._layers:
            self._layers[sizes] = exported(
                f"layers {sizes}",
                self._recipe,
                lambda: _network_of_layers(self._load, self._preprocessor, sizes),
                "float32",
            )
        return self._layers[sizes](batch)

    def contrast_distances(self, batch):
        """Returns how far volumes are from each contrast of training.

        As `Ensemble3D.contrast_distances`: `(batch, contrasts)` float64, or None.
        """
        known = self._recipe["architecture"]["arguments"].get("known_contrasts")
        if known is None:
            return None
        features = zone_means(batch, known.get("zones", ZONES))
        return scanner_distances(features, *self._contrasts)

    @cached_property
    def _contrasts(self):
        import h5py

        with h5py.File(self._weights) as file:
            return [file[f"{CONTRASTS}/{number}"][()] for number in range(3)]

    def _sizes(self, shape):
        """Of a network that takes one size alone that one, else None for any."""
        arguments = self._recipe["architecture"]["arguments"]
        own = arguments.get("member", {"arguments": arguments})["arguments"]
        fixed = None not in own["input_shape"][:3]
        return (*(shape[1:4] if fixed else (None,) * 3), shape[4])


def exported(part, recipe, make, precision):
    """Returns a part of an unchanged zoo model, from the cache or made for it.

    Args:
        part: str, which one, and all that decides it besides the recipe.
        recipe: dict, the recipe's content, with weights.
        make: callable without arguments -> functional Keras model with one output.
        precision: str, what OpenVINO computes with.

    Returns:
        `medzoo.inference.openvino_engine.ExportedNetwork`.
    """
    from medzoo.inference.openvino_engine import ExportedNetwork, exported_once

    graph = exported_once(key_of_part(part, recipe, PACKAGES), make)
    return ExportedNetwork(graph, precision)


def _network_of_layers(load, preprocessor, sizes):
    # Who loads the model sees to it that keras is imported quietly.
    load()
    import keras

    inputs = keras.Input(sizes, dtype="float32")
    x = inputs
    for layer in preprocessor.layers:
        x = layer(x, training=False)
    return keras.Model(inputs, x)
