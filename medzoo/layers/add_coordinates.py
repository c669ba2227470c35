"""AddCoordinates: where each voxel lies, as channels beside the image."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="medzoo")
class AddCoordinates(keras.layers.Layer):
    """Appends the coordinates of each voxel, for volumes that lie in one space.

    What the spatial step "add_coordinates" does in the space of a scan, this does in
    that of an atlas, where coordinates are the same for all.

    Args:
        origin: three floats, mm, where the first voxel lies.
        spacing: float or three floats, mm. Defaults to 1.
        unit: float, mm that become 1. Defaults to 80, as in the spatial step.
        mirrored: bool, whether the first coordinate is the distance from 0, so that
            both sides look alike. Defaults to True.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x, y, z, channels + 3)`.

    Source:
        Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the
        CoordConv Solution" (2018).
    """

    def __init__(self, origin, spacing=1.0, unit=80.0, mirrored=True, **kwargs):
        super().__init__(**kwargs)
        self.origin = [float(o) for o in origin]
        self.spacing = np.asarray(spacing, float).tolist()
        self.unit = float(unit)
        self.mirrored = mirrored
        if len(self.origin) != 3 or not np.min(self.spacing) > 0 or not self.unit > 0:
            raise ValueError(
                "`origin` must be three numbers, `spacing` and `unit` above 0. "
                f"Received: origin={origin}, spacing={spacing}, unit={unit}."
            )
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        shape = ops.shape(inputs)
        steps = np.broadcast_to(self.spacing, 3)
        parts = [inputs]
        for axis in range(3):
            place = ops.cast(ops.arange(shape[axis + 1], dtype="int32"), "float32")
            place = (place * float(steps[axis]) + self.origin[axis]) / self.unit
            if axis == 0 and self.mirrored:
                place = ops.abs(place)
            form = [1] * 5
            form[axis + 1] = -1
            place = ops.cast(ops.reshape(place, form), inputs.dtype)
            parts.append(ops.broadcast_to(place, (*shape[:4], 1)))
        return ops.concatenate(parts, -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:4], input_shape[4] + 3)

    def get_config(self):
        return {
            **super().get_config(),
            "origin": self.origin,
            "spacing": self.spacing,
            "unit": self.unit,
            "mirrored": self.mirrored,
        }
