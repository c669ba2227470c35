"""PadToMultiple3D: pads a volume so that a network's strides divide it."""

from collections.abc import Sequence
from typing import Any

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

    def __init__(
        self,
        multiple: int | Sequence[int] = 1,
        margin: int | Sequence[int] = 0,
        mode: str = "constant",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.multiple = three_ints(multiple, "multiple")
        self.margin = three_ints(margin, "margin", least=0)
        if mode not in MODES:
            raise ValueError(f"`mode` must be one of {MODES}. Received: mode={mode!r}.")
        self.mode = mode
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs: Any) -> Any:
        sizes = ops.shape(inputs)[1:4]
        pads = [[0, 0], [0, 0], [0, 0]]
        for axis, size in enumerate(sizes):
            # Of numbers that are not negative: ONNX has another remainder for those.
            multiple = self.multiple[axis]
            missing = (multiple - size % multiple) % multiple
            before = missing // 2
            margin = self.margin[axis]
            pads[axis] = [before + margin, missing - before + margin]
        if all(isinstance(p, int) and p == 0 for pad in pads for p in pad):
            return inputs
        for axis, (before, after) in enumerate(pads, start=1):
            if self.mode == "constant":
                most = self._most(axis - 1)
                inputs = _pad_with_zeros(inputs, axis, before, after, most)
            else:
                skip = 1 if self.mode == "reflect" else 0
                inputs = _mirror(inputs, axis, before, after, skip)
        return inputs

    def _most(self, axis):
        """What an axis can be padded by at either end, whatever its size."""
        multiple, margin = self.multiple[axis], self.margin[axis]
        return (multiple - 1) // 2 + margin, multiple // 2 + margin

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, channels = input_shape
        padded = [
            None if n is None else n + -n % m + 2 * margin
            for n, m, margin in zip(sizes, self.multiple, self.margin, strict=True)
        ]
        return (batch, *padded, channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "margin": self.margin,
            "mode": self.mode,
        }


# Not `ops.pad`: TensorFlow with oneDNN fuses it with a following Conv3D of same padding
# into one without padding, whose output is too small (seen in 2.21), and PyTorch
# mirrors no batch of volumes.
def _pad_with_zeros(x, axis, before, after, most):
    known = isinstance(before, int) and isinstance(after, int)
    # Of a size that is not known yet, as much as there can be, cropped afterwards:
    # OpenVINO runs no network in which a part may turn out to be empty.
    counts = (before, after) if known else most
    shape = list(ops.shape(x))
    size = shape[axis]
    parts = [x]
    for place, count in zip((0, 2), counts, strict=True):
        if count > 0:
            shape[axis] = count
            parts.insert(place, ops.zeros(shape, x.dtype))
    padded = ops.concatenate(parts, axis) if len(parts) > 1 else x
    if known:
        return padded
    start = most[0] - before
    kept = slice(start, start + before + size + after)
    return padded[(*[slice(None)] * axis, kept)]


def _mirror(x, axis, before, after, skip):
    size = ops.shape(x)[axis]
    if all(isinstance(n, int) for n in (size, before, after)) and (
        max(before, after) + skip > size
    ):
        raise ValueError(
            "A mirrored volume must have as many voxels as are added to it. "
            f"Received: {size} voxels along an axis, {before} and {after} to be added."
        )
    whole = [slice(None)] * axis
    first = x[(*whole, slice(skip, before + skip))]
    last = x[(*whole, slice(size - after - skip, size - skip))]
    return ops.concatenate([ops.flip(first, axis), x, ops.flip(last, axis)], axis)
