"""What layers share whose volumes change size."""

from collections.abc import Sequence
from typing import Any

from medzoo.layers.volume_layer import VOXELWISE, VolumeLayer


class ResizingLayer(VolumeLayer):
    """Base of layers that return volumes of another size.

    Subclasses write `output_sizes` and the `transform_*` methods.
    """

    needs_images = False

    def output_sizes(self, sizes: Sequence[int] | None) -> None:
        """Returns the three sizes of the result; None where one is not known.

        Args:
            sizes: three ints or None, of a volume.
        """
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, dict):
            return self._resized(input_shape)
        return {
            key: self._resized(shape) if key in VOXELWISE else shape
            for key, shape in input_shape.items()
        }

    def _resized(self, shape):
        return (*shape[:-4], *self.output_sizes(shape[-4:-1]), shape[-1])
