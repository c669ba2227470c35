"""A grid: the shape and affine that a Volume is sampled on."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Where voxels lie, without their values.

    Args:
        shape: three ints.
        affine: `(4, 4)` float64, voxel index -> world millimetres, RAS+.
    """

    shape: tuple
    affine: np.ndarray

    @classmethod
    def of(cls, volume: Any) -> Any:
        """Returns the grid of a Volume."""
        return cls(tuple(volume.shape), np.array(volume.affine, np.float64))

    @classmethod
    def centred(cls, shape: Any, spacing: Any, centre: Any) -> Any:
        """Returns an RAS grid of `shape` voxels of `spacing` mm about `centre` (mm)."""
        spacing = np.broadcast_to(np.asarray(spacing, np.float64), 3)
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = centre - spacing * (np.asarray(shape) - 1) / 2
        return cls(tuple(int(n) for n in shape), affine)

    def around(self, spacing: Any) -> Any:
        """Returns an RAS grid of isotropic `spacing` (mm) that covers this grid."""
        corners = self.corners()
        low = corners.min(axis=0)
        # The small surplus keeps a size from jumping on a rounding error.
        count = np.ceil((corners.max(axis=0) - low) / spacing - 1e-3).astype(int) + 1
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = low
        return Grid(tuple(int(n) for n in count), affine)

    def corners(self) -> Any:
        """Returns the world positions (mm) of the 8 outer voxel centres, `(8, 3)`."""
        last = np.asarray(self.shape) - 1
        index = np.array(np.meshgrid(*[(0, n) for n in last], indexing="ij"))
        return index.reshape(3, -1).T @ self.affine[:3, :3].T + self.affine[:3, 3]
