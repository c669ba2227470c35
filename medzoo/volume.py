"""Volume: an array and where its voxels lie, the only geometry type of medzoo."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from medzoo.errors import GeometryError, InputError

SPACING_RANGE = (0.001, 1000.0)
# Nothing scanned lies a kilometre from the origin of its space; numbers beyond it are
# damage, and the largest would overflow when positions are computed.
MOST_OFFSET = 1e6
ADVICE = "Pass a 4x4 matrix, voxel index to millimetres."


class Volume:
    """A 3-D image, scalar or with channels, in world space. Immutable by convention.

    Args:
        array: `(x, y, z)` or `(x, y, z, channel)`.
        affine: `(4, 4)`, voxel index -> world millimetres, RAS+.
        warnings: strings, what reading found worth telling.

    Raises:
        InputError: if the array is not 3-D or 3-D with channels, empty, or not of
            real numbers.
        GeometryError: if the affine is not finite, not affine, singular, its voxel
            size is outside 0.001..1000 mm, or its origin farther than a kilometre.
    """

    __slots__ = ("_affine", "_array", "_warnings")

    def __init__(
        self, array: ArrayLike, affine: ArrayLike, *, warnings: Iterable[str] = ()
    ) -> None:
        array = _as_array(array)
        if array.ndim not in (3, 4) or 0 in array.shape:
            raise InputError(
                "A volume must be (x, y, z) or (x, y, z, channel), none of them 0. "
                f"Received: shape={array.shape}. Pass one volume."
            )
        if array.dtype.kind not in "biuf":
            raise InputError(
                "The voxels of a volume must be real numbers. "
                f"Received: dtype={array.dtype}. Convert the array first."
            )
        affine = _as_matrix(affine)
        _check_affine(affine)
        affine.setflags(write=False)
        self._array = array
        self._affine = affine
        self._warnings = tuple(warnings)

    @property
    def array(self) -> np.ndarray:
        """The voxels, `(x, y, z)` or `(x, y, z, channel)`."""
        return self._array

    @property
    def affine(self) -> np.ndarray:
        """`(4, 4)` float64, voxel index -> world millimetres, RAS+; read-only."""
        return self._affine

    @property
    def warnings(self) -> tuple[str, ...]:
        """Tuple of str: what reading found worth telling."""
        return self._warnings

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape, three ints."""
        return self._array.shape[:3]

    @property
    def num_channels(self) -> int:
        """int: 1 for a scalar image."""
        return self._array.shape[3] if self._array.ndim == 4 else 1

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm along the array's axes, three floats."""
        return tuple(float(s) for s in np.linalg.norm(self._affine[:3, :3], axis=0))

    @property
    def origin(self) -> tuple[float, ...]:
        """World position (mm, RAS+) of voxel (0, 0, 0), three floats."""
        return tuple(float(v) for v in self._affine[:3, 3])

    @property
    def direction(self) -> np.ndarray:
        """`(3, 3)` float64, unit column a voxel axis; not orthogonal under shear."""
        return self._affine[:3, :3] / np.asarray(self.spacing)

    @property
    def orientation(self) -> str:
        """str: where the axes point to, as "RAS"."""
        return _orientation(self.direction)

    def with_array(self, array: ArrayLike) -> Self:
        """Returns a Volume with another array in the same place."""
        return type(self)(array, self._affine, warnings=self._warnings)

    def with_affine(self, affine: ArrayLike) -> Self:
        """Returns a Volume with the same array in another place."""
        return type(self)(self._array, affine, warnings=self._warnings)

    def plot(self) -> Any:
        """Draws three slices through the middle; needs matplotlib (extra demo).

        Returns:
            matplotlib Figure.

        Raises:
            InputError: if matplotlib is missing.
        """
        from medzoo.drawing.notebook import plot_volume

        return plot_volume(self)

    def _repr_html_(self):
        from medzoo.drawing.notebook import volume_html

        return volume_html(self)

    def __repr__(self):
        spacing = ", ".join(f"{s:.3g}" for s in self.spacing)
        return (
            f"Volume(shape={self._array.shape}, dtype={self._array.dtype}, "
            f"spacing=({spacing}) mm, orientation={self.orientation!r})"
        )


def _as_array(array):
    # A mask would be lost without a word, and what it hid be looked at.
    if np.ma.is_masked(array):
        raise InputError(
            "The voxels of a volume must all be there. Received: a masked array. "
            "Fill it first, as by array.filled(0)."
        )
    try:
        return np.asarray(array)
    except ValueError as error:  # rows of unequal lengths
        raise InputError(
            "The voxels of a volume must be an array. "
            f"Received: {type(array).__name__} of unequal parts. Pass a NumPy array."
        ) from error


def _as_matrix(affine):
    try:
        given = np.asarray(affine)
    except ValueError:  # rows of unequal lengths
        given = np.asarray(None)
    if given.dtype.kind not in "biuf":
        raise GeometryError(
            "An affine must be 4x4 and finite. "
            f"Received: {type(affine).__name__}, not of real numbers. {ADVICE}"
        )
    return np.array(given, np.float64)


def _check_affine(affine):
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise GeometryError(
            "An affine must be 4x4 and finite. "
            f"Received: affine={affine.tolist()}. {ADVICE}"
        )
    if not np.array_equal(affine[3], (0, 0, 0, 1)):
        raise GeometryError(
            "An affine's last row must be 0 0 0 1. "
            f"Received: row={affine[3].tolist()}. {ADVICE}"
        )
    with np.errstate(over="ignore"):  # infinite is refused below
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = SPACING_RANGE
    if not ((spacing >= low) & (spacing <= high)).all():
        raise GeometryError(
            f"A voxel size must lie within {low}..{high:g} mm. "
            f"Received: spacing={spacing.tolist()}. Check the unit of the header."
        )
    if np.abs(affine[:3, 3]).max() > MOST_OFFSET:
        raise GeometryError(
            f"An origin must lie within {MOST_OFFSET:g} mm of the world's. "
            f"Received: origin={affine[:3, 3].tolist()}. {ADVICE}"
        )
    # Of unit columns, so that the bound does not depend on the voxel size.
    if abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise GeometryError(
            "An affine must be invertible. "
            f"Received: affine={affine.tolist()}. {ADVICE}"
        )


def _orientation(direction):
    """The closest one-to-one match of voxel axes to world axes."""
    letters = [""] * 3
    strength = np.abs(direction)
    for _ in range(3):
        world, axis = np.unravel_index(strength.argmax(), (3, 3))
        positive = direction[world, axis] > 0
        letters[axis] = ("LR", "PA", "IS")[world][int(positive)]
        strength[world, :] = -1
        strength[:, axis] = -1
    return "".join(letters)
