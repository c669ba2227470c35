"""Drawing an image or a label map in another one's place: one interpolation."""

from numbers import Real
from typing import Any

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.grid import Grid
from medzoo.spatial.label_votes import vote
from medzoo.spatial.resample import check_size, smoothed_for
from medzoo.spatial.scan_checks import check_numbers
from medzoo.spatial.transform import Transform, check_transform, field_image
from medzoo.volume import Volume


def apply(
    transform: Transform,
    image: Volume,
    *,
    labels: bool = False,
    grid: Grid | None = None,
    spacing: float | None = None,
    background: float = 0.0,
) -> Volume:
    """Draws a moving image where the fixed image of a transform lies.

    Args:
        transform: `Transform`, fixed world -> moving world.
        image: Volume, the moving image or what lies on it, scalar or with channels.
        labels: bool, whether it is a label map: then each voxel gets the label with
            the largest share of it (linear votes). Defaults to False.
        grid: `Grid` to draw on; the fixed image's own if None.
        spacing: float, mm: the field of view of `grid` in cubes of that size.
        background: float, what lies outside the moving image.

    Returns:
        Volume on the grid, float32, or for labels of the image's own type.

    Raises:
        InputError: if neither the transform nor the caller says which grid, for voxels
            that are not finite, or a background that the type of labels cannot hold.
        ResourceError: for a grid that no scan is resampled to.

    Example:
        >>> found = register(scan, "mni152", kind="deformable")  # doctest: +SKIP
        >>> in_mni = apply(found, scan)  # doctest: +SKIP
        >>> back = apply(found.inverse(Grid.of(scan)), in_mni)  # doctest: +SKIP
    """
    check_transform(transform)
    check_numbers("image", image)
    grid = _grid(transform, grid, spacing)
    background = _level(background, image.array.dtype if labels else np.float32)
    if not labels:
        return _each_channel(transform, image, grid, background)
    if image.array.ndim != 3 or image.array.dtype.kind not in "biu":
        raise InputError(
            "A label map must be (x, y, z) of integers. Received: "
            f"shape={image.array.shape}, dtype={image.array.dtype}. "
            "Leave out labels=True for an image."
        )
    index = _places(transform, image.affine, grid)
    array = vote(image.array, index, int(background)).reshape(grid.shape)
    return Volume(array, grid.affine, warnings=image.warnings)


def _grid(transform, grid, spacing):
    grid = transform.grid if grid is None else grid
    if grid is None:
        raise InputError(
            "Somebody must say what to draw on. Received: grid=None, and a transform "
            "that does not know its fixed image. Pass grid=Grid.of(fixed)."
        )
    if not isinstance(grid, Grid):
        raise InputError(
            f"`grid` must be a medzoo.spatial.Grid. Received: {type(grid).__name__}. "
            "Pass Grid.of(fixed)."
        )
    if spacing is None:
        return grid
    if not isinstance(spacing, Real) or not 0 < spacing < np.inf:
        raise InputError(
            f"A spacing must be positive and finite. Received: spacing={spacing!r}. "
            "Pass millimetres."
        )
    return cubes(grid, spacing)


def _level(background, dtype):
    """What lies outside, as a number that the result can hold."""
    known = isinstance(background, Real) and np.isfinite(background)
    if known and np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        known = limits.min <= background <= limits.max
    if not known:
        raise InputError(
            f"`background` must be a finite number that {np.dtype(dtype)} holds. "
            f"Received: background={background!r}. Pass 0, or another type of labels."
        )
    return float(background)


def cubes(grid: Grid, spacing: float) -> Grid:
    """Returns a grid of cubes with the same field of view and direction.

    Args:
        grid: `Grid`.
        spacing: float, mm. Outer edges stay where they are, to half a voxel.
    """
    own = np.linalg.norm(grid.affine[:3, :3], axis=0)
    shape = np.maximum(np.round(np.asarray(grid.shape) * own / spacing), 1).astype(int)
    to_old = np.diag([*(spacing / own), 1.0])
    middle = (np.asarray(grid.shape) - 1) / 2
    to_old[:3, 3] = middle - (shape - 1) / 2 * spacing / own
    return Grid(tuple(int(n) for n in shape), grid.affine @ to_old)


def _each_channel(transform, image, grid, background):
    array = np.asarray(image.array, np.float32)
    channels = array[..., None] if array.ndim == 3 else array
    drawn = [
        _sampled(channels[..., c], transform, image.affine, grid, background)
        for c in range(channels.shape[-1])
    ]
    result = drawn[0] if array.ndim == 3 else np.stack(drawn, axis=-1)
    return Volume(result, grid.affine, warnings=image.warnings)


def _sampled(array, transform, affine, grid, background):
    """SimpleITK works on plain indices on both ends, so that shear is served too."""
    import SimpleITK as sitk

    check_size(grid.shape)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    to_index = np.linalg.inv(affine)
    image = smoothed_for(image, to_index @ transform.matrix @ grid.affine)
    way = composite([grid.affine, *transform.parts, to_index])
    size = [int(n) for n in grid.shape]
    out = sitk.Resample(
        image, size, way, sitk.sitkLinear, [0.0] * 3, [1.0] * 3, [], float(background)
    )
    return sitk.GetArrayFromImage(out).transpose(2, 1, 0)


def _places(transform, affine, grid):
    """Where in the array of the moving image each voxel of the grid lies, `(n, 3)`."""
    import SimpleITK as sitk

    check_size(grid.shape)
    way = composite([grid.affine, *transform.parts, np.linalg.inv(affine)])
    size = [int(n) for n in grid.shape]
    moved = sitk.TransformToDisplacementField(way, sitk.sitkVectorFloat64, size)
    moved = sitk.GetArrayFromImage(moved).transpose(2, 1, 0, 3)
    own = np.stack(np.indices(grid.shape, np.float32), axis=-1)
    return (moved + own).reshape(-1, 3)


def composite(parts: list | tuple) -> Any:
    """Returns matrices and fields as a transform of ITK, numbers as they are.

    Args:
        parts: as of `Transform`, the first applied first.
    """
    import SimpleITK as sitk

    # ITK applies the last first.
    return sitk.CompositeTransform([_itk_part(part) for part in reversed(parts)])


def _itk_part(part):
    import SimpleITK as sitk

    if isinstance(part, Volume):
        return sitk.DisplacementFieldTransform(field_image(part))
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(part[:3, :3].ravel().tolist())
    affine.SetTranslation(part[:3, 3].tolist())
    return affine
