"""PadToMultiple3D: pads a volume so that a network's strides divide it."""

import keras
from keras import ops

from medzoo.layers.size_3d import three_ints

MODES = ("constant", "reflect", "symmetric")


@keras.saving.register_keras_serializable(package="medzoo")
class PadToMultiple3D(keras.layers.Layer):
    """Pads each axis to the next multiple of a number, and by a margin if wanted.

    Both ends are padded alike; where the number of voxels is odd, the end gets one
    more. What has the right size already is returned as it is. `CropLike3D` undoes it.

    Args:
        multiple: int or three ints. Defaults to 1.
        margin: int or three ints, what is added at either end beyond the multiple.
            Defaults to 0.
        mode: str, what is put there: "constant" (zeros; what a convolution with same
            padding sees outside), "reflect" or "symmetric" (the volume mirrored
            without or with its outermost voxel; needs less padding than voxels).
            Defaults to "constant".
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`; sizes may be None.

    Output shape:
        `(batch, x', y', z', channels)` with `x' = ceil(x / multiple) * multiple
        + 2 * margin`.

    Example:
        >>> PadToMultiple3D(8)(np.ones((1, 30, 32, 33, 1))).shape
        (1, 32, 32, 40, 1)
    """

    def __init__(self, multiple=1, margin=0, mode="constant", **kwargs):
        super().__init__(**kwargs)
        self.multiple = three_ints(multiple, "multiple")
        self.margin = three_ints(margin, "margin", least=0)
        if mode not in MODES:
            raise ValueError(f"`mode` must be one of {MODES}. Received: mode={mode!r}.")
        self.mode = mode
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        sizes = ops.shape(inputs)[1:4]
        pads = [[0, 0], [0, 0], [0, 0]]
        for axis, size in enumerate(sizes):
            missing = -size % self.multiple[axis]
            before = missing // 2
            margin = self.margin[axis]
            pads[axis] = [before + margin, missing - before + margin]
        if all(isinstance(p, int) and p == 0 for pad in pads for p in pad):
            return inputs
        if self.mode == "constant":
            return _pad_with_zeros(inputs, pads)
        return ops.pad(inputs, [[0, 0], *pads, [0, 0]], mode=self.mode)

    def compute_output_shape(self, input_shape):
        batch, *sizes, channels = input_shape
        padded = [
            None if n is None else n + -n % m + 2 * margin
            for n, m, margin in zip(sizes, self.multiple, self.margin, strict=True)
        ]
        return (batch, *padded, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "margin": self.margin,
            "mode": self.mode,
        }


def _pad_with_zeros(x, pads):
    # Not `ops.pad`: TensorFlow with oneDNN fuses it with a following Conv3D of same
    # padding into one without padding, whose output is too small (seen in 2.21).
    for axis, pad in enumerate(pads, start=1):
        shape = list(ops.shape(x))
        ends = []
        for count in pad:
            shape[axis] = count
            ends.append(ops.zeros(shape, x.dtype))
        x = ops.concatenate([ends[0], x, ends[1]], axis)
    return x
