"""RandomSpatial3D: affine and elastic in one resampling."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.random_affine_3d import RandomAffine3D, affine_coordinates
from medzoo.layers.random_elastic_transform_3d import RandomElasticTransform3D
from medzoo.layers.spline_displacement import displacement_field
from medzoo.layers.volume_layer import IMAGES


@keras.saving.register_keras_serializable(package="medzoo")
class RandomSpatial3D(RandomAffine3D, RandomElasticTransform3D):
    """Moves volumes as `RandomAffine3D`, then `RandomElasticTransform3D` do, at once.

    One resampling in place of two: faster, images are blurred once, and what the affine
    map moved out of sight and the elastic one back in is not lost.

    Args:
        rotation: float or three floats, degrees; as `scale`, `shear`, `shift` and
            `isotropic_scale` see `RandomAffine3D`. Defaults to 10.
        scale: float or three floats, natural logarithm. Defaults to 0.1.
        shear: float or three floats. Defaults to 0.
        shift: float or three floats, voxels. Defaults to 0.
        isotropic_scale: float, natural logarithm. Defaults to 0.
        displacement: float or three floats, voxels; as `control_points`, `spacing`,
            `fixed_border` and `prevent_folding` see `RandomElasticTransform3D`.
            Defaults to 5.
        control_points: int or three ints. Defaults to 7.
        spacing: float or three floats, voxels, or None. Defaults to None.
        fixed_border: bool, of the elastic part. Defaults to False.
        prevent_folding: bool. Defaults to True.
        affine_rate: float, share of volumes that are moved affinely, of those that
            `rate` chooses. Defaults to 1.
        elastic_rate: float, share that are bent, likewise. Defaults to 1.
        background: float, value of images outside; label maps and weights are 0
            there. Defaults to 0.
        interpolation: "linear" or "nearest", for images. Defaults to "linear".
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With all magnitudes 0 it is the identity.

    Raises:
        ValueError: as the two layers do.

    Example:
    >>> augment = medzoo.layers.RandomSpatial3D(rotation=15, displacement=6)
    >>> augment({"images": t1, "segmentation_masks": labels}, training=True)
    """

    def __init__(
        self,
        rotation: float | Sequence[float] = 10.0,
        scale: float | Sequence[float] = 0.1,
        shear: float | Sequence[float] = 0.0,
        shift: float | Sequence[float] = 0.0,
        isotropic_scale: float = 0.0,
        displacement: float | Sequence[float] = 5.0,
        control_points: int | Sequence[int] = 7,
        spacing: float | Sequence[float] | None = None,
        fixed_border: bool = False,
        prevent_folding: bool = True,
        affine_rate: float = 1.0,
        elastic_rate: float = 1.0,
        background: float = 0.0,
        interpolation: str = "linear",
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            rotation,
            scale,
            shear,
            shift,
            isotropic_scale,
            displacement=displacement,
            control_points=control_points,
            spacing=spacing,
            fixed_border=fixed_border,
            prevent_folding=prevent_folding,
            background=background,
            interpolation=interpolation,
            rate=rate,
            seed=seed,
            **kwargs,
        )
        if not (0 <= affine_rate <= 1 and 0 <= elastic_rate <= 1):
            raise ValueError(
                "`affine_rate` and `elastic_rate` must lie in [0, 1]. "
                f"Received: affine_rate={affine_rate}, elastic_rate={elastic_rate}."
            )
        self.affine_rate = affine_rate
        self.elastic_rate = elastic_rate

    def draw(self, data: Any, seed: Any) -> Any:
        affine = RandomAffine3D.draw(self, data, seed)
        control = RandomElasticTransform3D.draw(self, data, seed)["control"]
        count = ops.shape(data[IMAGES])[0]

        def chosen(rate, rank):
            drawn = keras.random.uniform((count, *[1] * rank), seed=seed)
            return drawn < rate

        moved = chosen(self.affine_rate, 2)
        identity = ops.eye(3, dtype="float32")
        return {
            "matrix": ops.where(moved, affine["matrix"], identity),
            "shift": ops.where(moved[:, 0], affine["shift"], 0.0),
            "control": ops.where(chosen(self.elastic_rate, 4), control, 0.0),
        }

    def coordinates(self, transformation: Any, sizes: Any) -> Any:
        return affine_coordinates(
            transformation["matrix"],
            transformation["shift"],
            sizes,
            displacement_field(transformation["control"], sizes),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "affine_rate": self.affine_rate,
            "elastic_rate": self.elastic_rate,
        }
