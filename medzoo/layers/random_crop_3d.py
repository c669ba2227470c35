"""RandomCrop3D: a patch from anywhere in the volume."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.crop import centred_start, crop, nearest_start
from medzoo.layers.resizing_layer import ResizingLayer
from medzoo.layers.size_3d import three_ints
from medzoo.layers.volume_layer import IMAGES


@keras.saving.register_keras_serializable(package="medzoo")
class RandomCrop3D(ResizingLayer):
    """Cuts one patch out of each volume, uniformly over all positions.

    Axes that are too short are padded about the centre. At inference the patch is the
    one in the centre, so that sizes are the same.

    Args:
        patch_size: int or three ints, voxels.
        value: float, of images where they are padded; label maps and weights are 0
            there. Defaults to 0.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`, of any sizes.

    Output shape:
        As the input, with `patch_size` in place of x, y and z.

    Raises:
        ValueError: for a patch size below 1.

    Example:
    >>> layer = medzoo.layers.RandomCrop3D(64)
    >>> layer({"images": t1, "segmentation_masks": labels}, training=True)
    """

    def __init__(
        self,
        patch_size: int | Sequence[int],
        value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.patch_size = three_ints(patch_size, "patch_size")
        self.value = value

    def output_sizes(self, sizes: Any) -> Any:
        return self.patch_size

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: Any = None
    ) -> Any:
        entries, _, _ = self._as_batch(data)
        if not training:
            return {"start": centred_start(entries[IMAGES], self.patch_size)}
        return self.draw(entries, self.generator if seed is None else seed)

    def draw(self, data: dict[str, Any], seed: Any) -> Any:
        """Returns `{"start": (batch, 3) int32}`, the first voxel of each patch.

        Args:
            data: dict of batched tensors.
            seed: `keras.random.SeedGenerator` or int.
        """
        images = data[IMAGES]
        count, *sizes = ops.shape(images)[:4]
        places = [
            ops.cast(n - p, "float32") + 1.0
            for n, p in zip(sizes, self.patch_size, strict=True)
        ]
        drawn = keras.random.uniform((count, 3), seed=seed)
        start = ops.cast(ops.floor(drawn * ops.stack(places)), "int32")
        return {"start": nearest_start(images, start, self.patch_size)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        start = transformation["start"]
        return crop(images, start, self.patch_size, value=self.value)

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return crop(masks, transformation["start"], self.patch_size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "value": self.value,
        }
