"""RandomElasticTransform3D: bends volumes smoothly."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.random_affine_3d import voxel_indices
from medzoo.layers.random_warp import RandomWarp, magnitudes
from medzoo.layers.size_3d import three_ints
from medzoo.layers.spline_displacement import (
    displacement_field,
    draw_control,
    grid_sizes,
    largest_displacement,
)
from medzoo.layers.volume_layer import IMAGES


@keras.saving.register_keras_serializable(package="medzoo")
class RandomElasticTransform3D(RandomWarp):
    """Resamples each volume through a smooth random displacement of its voxels.

    The displacement is a cubic B-spline over a grid of control points, whose
    coefficients are drawn uniformly from [-displacement, displacement] along each axis.
    Images are resampled linearly, label maps by nearest neighbour, with the same draw.

    Args:
        displacement: float or three floats, voxels, the largest displacement along
            each axis; no voxel moves farther. Defaults to 5.
        control_points: int or three ints, at least 4 (5 with `fixed_border`), along
            each axis; one of them lies beyond the volume at either end. Fewer are
            smoother. Defaults to 7: four cells along each axis.
        spacing: float or three floats, voxels between control points, in place of
            `control_points`; rounded so that whole cells span the volume. Defaults to
            None.
        fixed_border: bool, whether the outermost voxels stay where they are. Defaults
            to False.
        prevent_folding: bool, whether `displacement` is held below 0.4 of the spacing
            of control points, where the displacement cannot fold. Defaults to True.
        background: float, value of images outside; label maps and weights are 0
            there. Defaults to 0.
        interpolation: "linear" or "nearest", for images. Defaults to "linear".
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With `displacement` 0 it is the identity.

    Raises:
        ValueError: for a negative displacement, too few control points, a spacing that
            is not positive, or another interpolation.

    Example:
    >>> bend = medzoo.layers.RandomElasticTransform3D(displacement=6, spacing=24)
    >>> bend({"images": t1, "segmentation_masks": labels}, training=True)

    Source:
        Rueckert et al., "Nonrigid Registration Using Free-Form Deformations" (1999),
        equation 1, for the B-splines; Choi and Lee, "Injectivity Conditions of 2D and
        3D Uniform Cubic B-Spline Functions" (2000) for what cannot fold.
    """

    def __init__(
        self,
        displacement: float | Sequence[float] = 5.0,
        control_points: int | Sequence[int] = 7,
        spacing: float | Sequence[float] | None = None,
        fixed_border: bool = False,
        prevent_folding: bool = True,
        background: float = 0.0,
        interpolation: str = "linear",
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            background=background,
            interpolation=interpolation,
            rate=rate,
            seed=seed,
            **kwargs,
        )
        self.least = 5 if fixed_border else 4
        self.displacement = magnitudes(displacement, "displacement")
        self.control_points = three_ints(control_points, "control_points", self.least)
        self.spacing = spacing
        if spacing is not None:
            self.spacing = magnitudes(spacing, "spacing", positive=True)
        self.fixed_border = fixed_border
        self.prevent_folding = prevent_folding

    def draw(self, data: Any, seed: Any) -> Any:
        count, *sizes = ops.shape(data[IMAGES])[:4]
        points = grid_sizes(sizes, self.control_points, self.spacing, self.least)
        bound = largest_displacement(
            self.displacement, sizes, points, self.prevent_folding
        )
        return {"control": draw_control(count, points, bound, self.fixed_border, seed)}

    def coordinates(self, transformation: Any, sizes: Any) -> Any:
        moved = displacement_field(transformation["control"], sizes)
        index = voxel_indices(sizes)
        return [i + d for i, d in zip(index, moved, strict=True)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "displacement": self.displacement,
            "control_points": self.control_points,
            "spacing": self.spacing,
            "fixed_border": self.fixed_border,
            "prevent_folding": self.prevent_folding,
        }
