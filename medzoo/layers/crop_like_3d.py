"""CropLike3D and CropToMultiple3D: centred crops to a size that a network has."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.size_3d import three_ints


@keras.saving.register_keras_serializable(package="medzoo")
class CropLike3D(keras.layers.Layer):
    """Crops the first of two volumes to the sizes of the second, about its centre.

    Where the surplus is odd, the end loses one voxel more, so that it undoes
    `PadToMultiple3D`.

    Args:
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        List of `(batch, x, y, z, channels)` and `(batch, x', y', z', any)`, the
        second nowhere larger; sizes may be None.

    Output shape:
        `(batch, x', y', z', channels)`.

    Raises:
        ValueError: if the second volume is larger along an axis.

    Example:
        >>> CropLike3D()([np.ones((1, 8, 8, 8, 2)), np.ones((1, 5, 8, 6, 1))]).shape
        (1, 5, 8, 6, 2)
    """

    def call(self, inputs: Any) -> Any:
        volume, reference = inputs
        return _crop_centre(volume, ops.shape(reference)[1:4])

    def compute_output_shape(self, input_shape: Any) -> Any:
        volume, reference = input_shape
        _check_not_larger(reference[1:4], volume[1:4])
        return (volume[0], *reference[1:4], volume[4])

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = self.compute_output_shape([tuple(x.shape) for x in inputs])
        return keras.KerasTensor(shape, self.compute_dtype)


@keras.saving.register_keras_serializable(package="medzoo")
class CropToMultiple3D(keras.layers.Layer):
    """Crops each axis to the largest size of the form `offset + k * multiple`.

    Convolutions without padding and poolings fit such sizes alone; `k` is at least 1.

    Args:
        multiple: int or three ints. Defaults to 1.
        offset: int or three ints, what the unpadded convolutions take away.
            Defaults to 0.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`; sizes may be None.

    Output shape:
        `(batch, x', y', z', channels)`.

    Raises:
        ValueError: if an axis is shorter than `offset + multiple`.

    Example:
        >>> CropToMultiple3D(3, offset=2)(np.ones((1, 5, 9, 12, 1))).shape
        (1, 5, 8, 11, 1)
    """

    def __init__(
        self,
        multiple: int | Sequence[int] = 1,
        offset: int | Sequence[int] = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.multiple = three_ints(multiple, "multiple")
        self.offset = three_ints(offset, "offset", least=0)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs: Any) -> Any:
        return _crop_centre(inputs, self._cropped(ops.shape(inputs)[1:4]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, channels = input_shape
        return (batch, *self._cropped(sizes), channels)

    def _cropped(self, sizes):
        least = [o + m for o, m in zip(self.offset, self.multiple, strict=True)]
        if any(
            isinstance(n, int) and n < low for n, low in zip(sizes, least, strict=True)
        ):
            raise ValueError(
                f"A volume must have at least {tuple(least)} voxels here. "
                f"Received: sizes={tuple(sizes)}."
            )
        return [
            None if n is None else n - (n - o) % m
            for n, o, m in zip(sizes, self.offset, self.multiple, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "offset": self.offset,
        }


def _crop_centre(volume, sizes):
    present = ops.shape(volume)[1:4]
    _check_not_larger(sizes, present)
    if all(isinstance(n, int) and n == m for n, m in zip(sizes, present, strict=True)):
        return volume
    starts = [(m - n) // 2 for n, m in zip(sizes, present, strict=True)]
    x, y, z = (slice(at, at + n) for at, n in zip(starts, sizes, strict=True))
    return volume[:, x, y, z]


def _check_not_larger(sizes, present):
    known = [
        (n, m)
        for n, m in zip(sizes, present, strict=True)
        if isinstance(n, int) and isinstance(m, int)
    ]
    if any(n > m for n, m in known):
        raise ValueError(
            "A crop can only make a volume smaller. "
            f"Received: sizes={tuple(sizes)}, volume of {tuple(present)}."
        )
