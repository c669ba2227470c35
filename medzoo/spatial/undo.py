"""Undo: maps results from the network's grid back to the input's space."""

from typing import Any

from medzoo.spatial.resample import resample_to
from medzoo.spatial.resample_labels import resample_labels
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
    """

    def __init__(
        self,
        source: Any,
        to_source: Any,
        grid: Any,
        notes: Any = (),
        to_atlas: Any = None,
    ) -> None:
        self.source = source
        self.to_source = to_source
        self.grid = grid
        self.notes = tuple(notes)
        self.to_atlas = to_atlas

    def __call__(
        self, array: Any, *, interpolation: str = "nearest", background: float = 0.0
    ) -> Volume:
        """Brings an array on the network's grid back onto the grid of the input.

        Args:
            array: `(x, y, z)` or `(x, y, z, channel)`, on the network's grid.
            interpolation: "nearest" or "vote" (see `resample_labels`) for label maps,
                "linear" for images.
            background: float, the value outside what the network saw.

        Returns:
            Volume on the input's grid, in its world space. Steps that did not
            interpolate are undone without loss.
        """
        volume = Volume(array, self.to_source @ self.grid.affine)
        if interpolation == "vote":
            return resample_labels(volume, self.source, background=int(background))
        return resample_to(
            volume, self.source, interpolation=interpolation, background=background
        )
