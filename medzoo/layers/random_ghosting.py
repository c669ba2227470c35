"""RandomGhosting: repetitions of the head along the phase-encoding axis."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.axis_matrix import (
    apply_along_axis,
    signed_frequencies,
    spectrum_matrix,
)
from medzoo.layers.axis_names import as_axes, axis_indices, draw_axis
from medzoo.layers.ranges import range_within, whole_range
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomGhosting(RandomVolumeLayer):
    """Adds periodic ghosts, as pulsation and breathing do.

    Along one axis of each volume every n-th line of k-space is weakened, counted from
    its centre, which makes n copies of the image, a fraction 1/n of the field of view
    apart. The centre of k-space is left alone. The same as a Fourier transform along
    that axis and back, done as a product with a matrix.

    Args:
        num_ghosts: two ints, or one for both: range of n. Defaults to (4, 10).
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS"), of which
            one is drawn for each volume. Defaults to all.
        intensity: two floats in [0, 1], or one, the upper bound: range of the share
            that the lines lose. Defaults to (0.5, 1).
        restore: float in [0, 1], share of the lines, about the centre, that keep their
            strength; the central line always does. Defaults to 0.02.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. The mean stays; values below the image's smallest may appear.
        With an intensity of 0 it is the identity.

    Raises:
        ValueError: for numbers of ghosts below 2, unknown axes, or ranges outside
            [0, 1].

    Source:
        Named and parametrised as in TorchIO; Pérez-García et al., Computer Methods and
        Programs in Biomedicine 208 (2021).
    """

    def __init__(
        self,
        num_ghosts: int | Sequence[int] = (4, 10),
        axes: int | str | Sequence[int | str] = (0, 1, 2),
        intensity: float | Sequence[float] = (0.5, 1.0),
        restore: float = 0.02,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not 0 <= restore <= 1:
            raise ValueError(
                f"`restore` must lie in [0, 1]. Received: restore={restore}."
            )
        self.num_ghosts = whole_range(num_ghosts, "num_ghosts", least=2)
        self.axes = as_axes(axes)
        self.intensity = range_within(intensity, "intensity", most=1.0)
        self.restore = restore

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        low, high = self.num_ghosts
        axis = draw_axis(axis_indices(self.axes), (count,), seed)
        intensity = keras.random.uniform((count, 1), *self.intensity, seed=seed)
        return {
            "num_ghosts": keras.random.randint((count,), low, high + 1, seed=seed),
            # 0 along the axes that were not drawn.
            "intensity": intensity * axis,
        }

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        period = ops.convert_to_tensor(transformation["num_ghosts"])[:, None]
        intensity = ops.convert_to_tensor(transformation["intensity"])
        lost = 0.0
        for axis in axis_indices(self.axes):
            size = ops.shape(images)[axis + 1]
            distance = ops.abs(signed_frequencies(size))[None]
            centre = self.restore * ops.cast(size, "float32") / 2
            weakened = ops.logical_and(
                ops.mod(distance, period) == 0,
                ops.logical_and(ops.cast(distance, "float32") > centre, distance > 0),
            )
            share = intensity[:, axis : axis + 1] * ops.cast(weakened, "float32")
            lost = lost + apply_along_axis(images, spectrum_matrix(size, share), axis)
        return images - lost

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_ghosts": self.num_ghosts,
            "axes": self.axes,
            "intensity": self.intensity,
            "restore": self.restore,
        }
