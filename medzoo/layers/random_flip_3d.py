"""RandomFlip3D: mirrors volumes along axes."""

import keras
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer

# Tensors are in RAS order.
ANATOMICAL = {"LR": 0, "PA": 1, "AP": 1, "IS": 2, "SI": 2}


@keras.saving.register_keras_serializable(package="medzoo")
class RandomFlip3D(RandomVolumeLayer):
    """Mirrors each volume along each given axis with probability one half.

    Args:
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS"; in RAS
            order). Defaults to ("LR",), the one symmetry that heads have.
        rate: float, share of volumes considered. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input.
    """

    def __init__(self, axes=("LR",), rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        for axis in axes:
            if axis not in (0, 1, 2, *ANATOMICAL):
                raise ValueError(
                    f"`axes` must be of (0, 1, 2) or {sorted(ANATOMICAL)}. "
                    f"Received: axes={axes}."
                )
        self.axes = tuple(axes)

    def draw(self, data, seed):
        count = ops.shape(data[IMAGES])[0]
        return {"flip": keras.random.uniform((count, len(self.axes)), seed=seed) < 0.5}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        for column, axis in enumerate(self.axes):
            mirrored = ops.flip(images, 1 + ANATOMICAL.get(axis, axis))
            flip = ops.reshape(transformation["flip"][:, column], (-1, 1, 1, 1, 1))
            images = ops.where(flip, mirrored, images)
        return images

    def transform_segmentation_masks(self, masks, transformation, training=True):
        return self.transform_images(masks, transformation, training)

    def get_config(self):
        return {**super().get_config(), "axes": self.axes}
