"""CropOrPad3D: volumes of one size, cut or padded about their centre."""

from collections.abc import Sequence
from typing import Any

import keras

from medzoo.layers.crop import MODES, centred_start, crop
from medzoo.layers.resizing_layer import ResizingLayer
from medzoo.layers.size_3d import three_ints


@keras.saving.register_keras_serializable(package="medzoo")
class CropOrPad3D(ResizingLayer):
    """Cuts or pads each axis about the centre to a given size.

    Of an odd number of voxels to cut off or to add, the end gets the one more.

    Args:
        size: int or three ints, voxels.
        mode: "constant", or "edge" for the outermost voxels repeated. Defaults to
            "constant".
        value: float, the constant of images; label maps and weights are 0 there.
            Defaults to 0.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`, of any sizes.

    Output shape:
        As the input, with `size` in place of x, y and z.

    Raises:
        ValueError: for a size below 1 or another mode.

    Example:
    >>> layer = medzoo.layers.CropOrPad3D((160, 192, 160))
    >>> layer(t1).shape
    (160, 192, 160, 1)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        mode: str = "constant",
        value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"`mode` must be one of {MODES}. Received: mode={mode!r}.")
        self.size = three_ints(size, "size")
        self.mode = mode
        self.value = value

    def output_sizes(self, sizes: Any) -> Any:
        return self.size

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._crop(images, self.value)

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._crop(masks, 0)

    def _crop(self, volumes, value):
        start = centred_start(volumes, self.size)
        return crop(volumes, start, self.size, mode=self.mode, value=value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "mode": self.mode,
            "value": self.value,
        }
