"""RandomSpike: the stripes that single wrong points of k-space make."""

from collections.abc import Sequence
from math import pi
from typing import Any

import keras
from keras import ops

from medzoo.layers.ranges import range_within, whole_range
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomSpike(RandomVolumeLayer):
    """Adds plane waves, which is what spikes in k-space look like ("corduroy").

    Args:
        num_spikes: two ints, or one for both: range of the number of spikes.
            Defaults to 1.
        intensity: two floats, or one, the upper bound: range of the amplitude of a
            wave, as a share of the largest absolute intensity of the volume's channel.
            Defaults to (0.05, 0.2).
        per_channel: bool, whether each channel has its own spikes, as scans of several
            sequences have. Defaults to False.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With an intensity of 0, or no spike, it is the identity.

    Raises:
        ValueError: for negative numbers.

    Source:
        Closed form of the real part of an inverse Fourier transform after one
        coefficient was changed, as in TorchIO's RandomSpike, where the amplitude is a
        share of the largest coefficient.
    """

    def __init__(
        self,
        num_spikes: int | Sequence[int] = 1,
        intensity: float | Sequence[float] = (0.05, 0.2),
        per_channel: bool = False,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.num_spikes = whole_range(num_spikes, "num_spikes")
        self.intensity = range_within(intensity, "intensity")
        self.per_channel = per_channel

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        channels = images.shape[-1] if self.per_channel else 1
        low, high = self.num_spikes
        shape = (ops.shape(images)[0], high, channels)
        number = keras.random.randint((shape[0], 1, channels), low, high + 1, seed=seed)
        present = ops.arange(high, dtype="int32")[None, :, None] < number
        amplitude = keras.random.uniform(shape, *self.intensity, seed=seed)
        return {
            "amplitude": amplitude * ops.cast(present, "float32"),
            # Cycles a voxel along each axis.
            "frequency": keras.random.uniform((*shape, 3), -0.5, 0.5, seed=seed),
            "phase": keras.random.uniform(shape, seed=seed),
        }

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        drawn = {k: ops.convert_to_tensor(v) for k, v in transformation.items()}
        waves = 0.0
        for spike in range(self.num_spikes[1]):
            one = {
                key: drawn[key][:, spike] for key in ("amplitude", "frequency", "phase")
            }
            waves = waves + _plane_wave(ops.shape(images)[1:4], **one)
        largest = ops.max(ops.abs(images), (1, 2, 3), keepdims=True)
        return images + largest * waves

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_spikes": self.num_spikes,
            "intensity": self.intensity,
            "per_channel": self.per_channel,
        }


def _plane_wave(sizes, amplitude, frequency, phase):
    """Returns `(batch, x, y, z, channels)`; the arguments are `(batch, channels)`."""
    turns = phase[:, None, None, None]
    for axis, size in enumerate(sizes):
        # A whole number of cycles in the field of view: a point of k-space.
        cycles = ops.round(frequency[..., axis] * ops.cast(size, "float32"))
        index = ops.arange(size, dtype="int32")[None, :, None]
        # The remainder of whole numbers keeps a cosine of many turns exact.
        along = ops.mod(index * ops.cast(cycles, "int32")[:, None], size)
        along = ops.cast(along, "float32") / ops.cast(size, "float32")
        others = [1 + other for other in range(3) if other != axis]
        turns = turns + ops.expand_dims(along, others)
    return amplitude[:, None, None, None] * ops.cos((2 * pi) * turns)
