"""Undo: maps results from the network's grid back to the input's space."""

from typing import Any

import numpy as np

from medzoo.spatial.apply_transform import apply
from medzoo.spatial.resample import resample_to
from medzoo.spatial.resample_labels import resample_labels
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume


class Undo:
    """Maps results from the network's grid back to the input's space.

    Args:
        source: `Grid` of the input.
        to_source: `(4, 4)` float64, world of the network's grid -> world of the input.
        grid: `Grid` that the network saw.
        notes: tuple of str, what the steps found worth a warning.
        to_atlas: `(4, 4)` float64, voxel of the network's grid -> atlas world, mm; or
            None where no step registered the head.
        warp: `Transform`, world of the network's grid -> world of the input, where a
            step deformed the image; then `to_source` is its affine part alone.
    """

    def __init__(
        self,
        source: Any,
        to_source: Any,
        grid: Any,
        notes: Any = (),
        to_atlas: Any = None,
        warp: Transform | None = None,
    ) -> None:
        self.source = source
        self.to_source = to_source
        self.grid = grid
        self.notes = tuple(notes)
        self.to_atlas = to_atlas
        self.warp = warp
        self._back: Transform | None = None

    def __call__(
        self, array: Any, *, interpolation: str = "nearest", background: float = 0.0
    ) -> Volume:
        """Brings an array on the network's grid back onto the grid of the input.

        Args:
            array: `(x, y, z)` or `(x, y, z, channel)`, on the network's grid.
            interpolation: "nearest" or "vote" (see `resample_labels`) for label maps,
                "linear" for images. After a deformation "nearest" votes too.
            background: float, the value outside what the network saw.

        Returns:
            Volume on the input's grid, in its world space. Steps that did not
            interpolate are undone without loss.
        """
        if self.warp is not None:
            return self._unwarped(array, interpolation, background)
        volume = Volume(array, self.to_source @ self.grid.affine)
        if interpolation == "vote":
            return resample_labels(volume, self.source, background=int(background))
        return resample_to(
            volume, self.source, interpolation=interpolation, background=background
        )

    def place_labels(self, labels: Volume) -> Volume:
        """Brings a label map of the input to where the network sees it.

        Args:
            labels: Volume `(x, y, z)` of integers, in the world of the input.

        Returns:
            Volume on the network's grid.
        """
        if self.warp is not None:
            return apply(self.warp, labels, labels=True, grid=self.grid)
        moved = labels.with_affine(np.linalg.inv(self.to_source) @ labels.affine)
        return resample_labels(moved, self.grid)

    def _unwarped(self, array, interpolation, background):
        if self._back is None:
            # Found once: classes come back one by one.
            self._back = self.warp.inverse(self.source)
        labels = interpolation != "linear" and array.ndim == 3
        labels = labels and array.dtype.kind in "biu"
        volume = Volume(array, self.grid.affine)
        return apply(self._back, volume, labels=labels, background=background)
