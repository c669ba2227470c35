"""AnatomyReadout3D: a number or a class, read out of anatomy and not of contrast."""

from typing import Any

import keras

from medzoo.layers.anatomy_features import AnatomyFeatures
from medzoo.layers.feature_scaling import FeatureScaling
from medzoo.models.base import VolumeModel, plain
from medzoo.models.heads import factors
from medzoo.models.residual_unet import ResidualUNet3D

# What can segment inside; a name from a recipe never reaches an import.
BODIES = {"ResidualUNet3D": ResidualUNet3D}
BODY_NAME, FEATURES_NAME, SCALING_NAME = "body", "features", "scaling"
REGIONS_NAME = "regions"
NUM_COORDINATES = 3


@keras.saving.register_keras_serializable(package="medzoo")
class AnatomyReadout3D(VolumeModel):
    """Segments a scan, measures what it found, and reads a target out of that linearly.

    The body is a segmentation network that was trained on many contrasts; behind its
    probabilities nothing is left of the scanner's. Volumes and local shares of tissue
    (`AnatomyFeatures`), standardised, go into one dense layer. The body is frozen:
    `fit` trains the readout. `model.get_layer("body").trainable = True` lets it go on.

    A body whose head gives the classes of voxels smaller than its own
    (`head_upsampling="sub_voxel"`) is asked on its own grid: volumes need no finer one.

    Args:
        input_shape: four ints, `(x, y, z, channels)`; the last three channels are
            coordinates in an atlas, see the step "add_coordinates". The body's
            strides divide the size.
        num_classes: int, outputs; 1 for regression.
        body: dict `{"class": "ResidualUNet3D", "arguments": {...}}`, without an
            `input_shape` of its own.
        features: dict, the arguments of `AnatomyFeatures`.
        num_directions: int, of `FeatureScaling`. Defaults to 16.
        output_scale: float, what the readout is multiplied by. Defaults to 1.
        output_offset: float, what is added then, in the target's unit. Defaults to 0.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, num_classes)`, float32: logits, or `output_offset + output_scale * h`.

    Raises:
        ValueError: for a body that cannot segment, or a size that its strides do not
            divide.

    Example:
        >>> body = {"class": "ResidualUNet3D", "arguments": {"num_classes": 4}}
        >>> features = {"regions": [[1], [2]], "whole": [1, 2, 3]}
        >>> model = AnatomyReadout3D((80, 96, 80, 4), 1, body, features)

    Source:
        Cole et al., "Predicting brain age with deep learning from raw imaging data"
        (2017), on linear readouts of tissue maps; Billot et al., "SynthSeg" (2023), on
        segmentation that does not depend on contrast.
    """

    def __init__(
        self,
        input_shape: Any,
        num_classes: int,
        body: dict[str, Any],
        features: dict[str, Any],
        num_directions: int = 16,
        output_scale: float = 1.0,
        output_offset: float = 0.0,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if body.get("class") not in BODIES:
            raise ValueError(
                f"The body must be one of {sorted(BODIES)}. Received: body={body}."
            )
        arguments = {
            "input_shape": input_shape,
            "num_classes": num_classes,
            "body": body,
            "features": features,
            "num_directions": num_directions,
            "output_scale": output_scale,
            "output_offset": output_offset,
        }
        network, factor = _body(body, input_shape, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        # Frozen, its averages included, whatever mode the whole is called in.
        x = network(inputs, training=False)
        x = keras.layers.Conv3D(
            body["arguments"]["num_classes"],
            1,
            trainable=False,
            dtype="float32",
            data_format="channels_last",
            name=REGIONS_NAME,
        )(x)
        x = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
        if features.get("tissues"):
            x = [x, _coordinates(inputs, factor)]
        x = AnatomyFeatures(**features, dtype="float32", name=FEATURES_NAME)(x)
        x = FeatureScaling(num_directions, dtype="float32", name=SCALING_NAME)(x)
        x = keras.layers.Dense(
            num_classes, kernel_initializer="zeros", dtype="float32", name="head"
        )(x)
        outputs = keras.layers.Rescaling(
            output_scale, output_offset, dtype="float32", name="output"
        )(x)
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)
        self._measuring = _Kept()

    def take_body(self, model: Any) -> None:
        """Takes the weights of a trained segmentation network of the body's kind.

        Of a head for smaller voxels the mean of their logits is taken.

        Args:
            model: the network, such as a `ResidualUNet3D`.
        """
        body = self.get_layer(BODY_NAME)
        for layer in body.layers:
            if layer.weights:
                layer.set_weights(model.get_layer(layer.name).get_weights())
        kernel, bias = model.get_layer(model.head_name).get_weights()
        regions = self.get_layer(REGIONS_NAME)
        classes = regions.filters
        kernel = kernel.reshape(*kernel.shape[:-1], -1, classes).mean(-2)
        regions.set_weights([kernel, bias.reshape(-1, classes).mean(0)])

    @property
    def feature_network(self) -> Any:
        """The network up to the features: volumes in, `(batch, features)` out."""
        if self._measuring.network is None:
            features = self.get_layer(FEATURES_NAME).output
            self._measuring.network = keras.Model(self.input, features)
        return self._measuring.network

    def read_out(self, features: Any) -> Any:
        """Returns the predictions for features, `(batch, num_classes)`."""
        x = features
        for name in (SCALING_NAME, self.head_name, "output"):
            x = self.get_layer(name)(x)
        return x

    def distance(self, features: Any) -> Any:
        """Returns how far features lie from those of training, see `FeatureScaling`."""
        return self.get_layer(SCALING_NAME).distance(features)


def _body(body, input_shape, dtype):
    """The network without its head, and how much coarser its grid is, three ints."""
    settings = {"dtype": dtype, **body["arguments"], "input_shape": input_shape}
    whole = BODIES[body["class"]](**settings)
    whole_grid, own = (
        factors(whole.get_config()["strides"])[-1],
        whole.get_layer("head"),
    )
    if any(
        n is None or n % f for n, f in zip(input_shape[:3], whole_grid, strict=True)
    ):
        raise ValueError(
            f"The body's strides, {whole_grid} together, must divide a fixed size. "
            f"Received: input_shape={input_shape}."
        )
    network = keras.Model(whole.input, own.input, name=BODY_NAME)
    network.trainable = False
    return network, factors(whole.get_config()["strides"])[0]


def _coordinates(inputs, factor):
    """The input's last channels on the body's grid."""
    x = inputs[..., -NUM_COORDINATES:]
    if max(factor) == 1:
        return x
    return keras.layers.AveragePooling3D(
        factor, factor, data_format="channels_last", dtype="float32", name="coordinates"
    )(x)


class _Kept:
    """Holds a network beside the model: Keras would count its weights twice."""

    network = None
