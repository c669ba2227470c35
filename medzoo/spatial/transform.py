"""Transform: where each point of a fixed image lies in a moving one."""

from typing import Any, Self

import numpy as np

from medzoo.errors import GeometryError, InputError
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume

INVERSE_ITERATIONS = 60
# Of a displacement field's inverse: mm, in the mean and at the worst voxel.
INVERSE_MEAN_MM, INVERSE_WORST_MM = 0.005, 0.05


class Transform:
    """Affine maps and displacement fields, one after the other.

    It maps points of the fixed image's world to the moving image's world, as ITK's
    transforms do: to draw the moving image in the fixed one's place, each voxel there
    asks where to look.

    Args:
        parts: sequence of `(4, 4)` arrays (mm, RAS+) and Volumes `(x, y, z, 3)` (mm,
            RAS+: what is added to a point), the first applied first. A field is 0
            outside its grid.
        grid: `Grid` of the fixed image, or None where nobody knows it.
        quality: dict of str -> float, how well the images lie on each other.
        warnings: strings, what makes it doubtful.

    Raises:
        GeometryError: for a matrix that is not affine, finite and invertible.
        InputError: for a field without three components a voxel or with fewer than
            three voxels along an axis, numbers that are not finite, or another part.
    """

    def __init__(
        self,
        parts: tuple | list,
        *,
        grid: Grid | None = None,
        quality: dict[str, float] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.parts = tuple(_checked(part) for part in parts)
        self.grid = grid
        self.quality = dict(quality or {})
        self.warnings = tuple(warnings)

    @property
    def is_affine(self) -> bool:
        """Whether all parts are matrices."""
        return all(not isinstance(part, Volume) for part in self.parts)

    @property
    def matrix(self) -> np.ndarray:
        """`(4, 4)` float64, the product of the matrices; fields are left out."""
        result = np.eye(4)
        for part in self.parts:
            if not isinstance(part, Volume):
                result = part @ result
        return result

    def points(self, points: np.ndarray) -> np.ndarray:
        """Maps points.

        Args:
            points: `(n, 3)` array, mm, RAS+, of the fixed image's world.

        Returns:
            `(n, 3)` float64, of the moving image's world.

        Raises:
            InputError: for another shape.
        """
        result = np.array(points, np.float64)
        if result.ndim > 2 or result.shape[-1:] != (3,):
            raise InputError(
                f"Points must be (n, 3). Received: shape={result.shape}. Pass "
                "millimetres along x, y, z."
            )
        result = result.reshape(-1, 3)
        for part in self.parts:
            if isinstance(part, Volume):
                result = result + _displacement_at(part, result)
            else:
                result = result @ part[:3, :3].T + part[:3, 3]
        return result

    def then(self, other: Self) -> "Transform":
        """Returns the transform that applies this one first and `other` after it.

        Args:
            other: `Transform` from where this one ends.
        """
        return Transform((*self.parts, *other.parts), grid=self.grid)

    def inverse(self, grid: Grid | None = None) -> "Transform":
        """Returns the transform back, from the moving image's world.

        Matrices are inverted exactly, fields by fixed-point iteration.

        Args:
            grid: `Grid` of the moving image, which the result then is fixed to.

        Raises:
            GeometryError: for a field that folds space, which nothing inverts.

        Source:
            Chen et al., "A simple fixed-point approach to invert a deformation field",
            Medical Physics 35 (2008), as in SimpleITK's InvertDisplacementField.
        """
        parts = [
            _inverted(part) if isinstance(part, Volume) else np.linalg.inv(part)
            for part in reversed(self.parts)
        ]
        return Transform(parts, grid=grid)

    def jacobian(self) -> float:
        """Returns the smallest determinant of the Jacobian over all fields.

        1 where there is none. Above 0, space is not folded anywhere.
        """
        found = [_least_jacobian(p) for p in self.parts if isinstance(p, Volume)]
        return min(found, default=1.0)

    def __repr__(self) -> str:
        kinds = ["field" if isinstance(p, Volume) else "affine" for p in self.parts]
        return f"Transform({' then '.join(kinds) or 'identity'}, {self.quality})"


def check_transform(transform: Any) -> None:
    """Refuses what is no `Transform`, as a path.

    Raises:
        InputError: naming what it is.
    """
    if not isinstance(transform, Transform):
        raise InputError(
            "`transform` must be a medzoo.preprocessing.Transform. Received: "
            f"{type(transform).__name__}. Use register, or read_transform(path)."
        )


def _checked(part):
    if isinstance(part, Volume):
        if part.array.ndim != 4 or part.array.shape[3] != 3 or min(part.shape) < 3:
            raise InputError(
                "A displacement field must be (x, y, z, 3), three voxels along each "
                f"axis at least. Received: shape={part.array.shape}. Pass millimetres "
                "along x, y, z."
            )
        if not np.isfinite(part.array).all():
            raise InputError(
                "A displacement field must be finite numbers. Received: some that are "
                "not. Check where it comes from."
            )
        return part.with_array(np.asarray(part.array, np.float32))
    try:
        matrix = np.array(part, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "A part of a transform must be a 4x4 matrix or a Volume of displacements. "
            f"Received: {type(part).__name__}. Use read_transform for files."
        ) from None
    affine = matrix.shape == (4, 4) and np.isfinite(matrix).all()
    if not affine or not np.allclose(matrix[3], [0, 0, 0, 1]):
        raise GeometryError(
            "A matrix of a transform must be 4x4, finite, its last row 0 0 0 1. "
            f"Received: {matrix.tolist()}. Pass fixed world to moving world, mm."
        )
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise GeometryError(
            "A matrix of a transform must be invertible. "
            f"Received: {matrix.tolist()}. Check where it comes from."
        )
    return matrix


def _displacement_at(field, points):
    from scipy.ndimage import map_coordinates

    to_index = np.linalg.inv(field.affine)
    index = (points @ to_index[:3, :3].T + to_index[:3, 3]).T
    # As ITK draws images: a voxel at the border reaches half its size further.
    last = np.asarray(field.shape)[:, None] - 0.5
    inside = ((index >= -0.5) & (index <= last)).all(axis=0)
    parts = [
        map_coordinates(field.array[..., axis], index, order=1, mode="nearest")
        for axis in range(3)
    ]
    return np.where(inside, parts, 0.0).T


def field_image(field: Volume, numbers: type = float) -> object:
    """Returns a field as an image of vectors whose "physical space" is RAS.

    Args:
        field: Volume `(x, y, z, 3)`, mm, on a grid without shear.
        numbers: numpy type of the components.
    """
    import SimpleITK as sitk

    array: np.ndarray = np.ascontiguousarray(
        field.array.transpose(2, 1, 0, 3), dtype=numbers
    )
    image = sitk.GetImageFromArray(array, isVector=True)
    image.SetSpacing(list(field.spacing))
    image.SetDirection(field.direction.ravel().tolist())
    image.SetOrigin(list(field.origin))
    return image


def field_of(image: object, affine: np.ndarray) -> Volume:
    """Returns an image of vectors as a field on the grid of `affine`."""
    import SimpleITK as sitk

    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0, 3)
    return Volume(np.asarray(array, np.float32), affine)


def _inverted(field):
    import SimpleITK as sitk

    if _least_jacobian(field) <= 0:
        raise GeometryError(
            "Only a transform that folds space nowhere has an inverse. Received: a "
            f"Jacobian of {_least_jacobian(field):.3f}. Register anew, or smoother."
        )
    found = sitk.InvertDisplacementField(
        field_image(field),
        maximumNumberOfIterations=INVERSE_ITERATIONS,
        maxErrorToleranceThreshold=INVERSE_WORST_MM,
        meanErrorToleranceThreshold=INVERSE_MEAN_MM,
        enforceBoundaryCondition=True,
    )
    return field_of(found, field.affine)


def _least_jacobian(field):
    # ITK's filter takes derivatives along the axes of the array, whatever these are in
    # the world that displacements are of.
    along = [
        np.gradient(np.asarray(field.array[..., part], np.float64)) for part in range(3)
    ]
    steps = np.moveaxis(np.asarray(along), (0, 1), (-2, -1))
    found = np.linalg.det(np.eye(3) + steps @ np.linalg.inv(field.affine[:3, :3]))
    return float(found[1:-1, 1:-1, 1:-1].min())
