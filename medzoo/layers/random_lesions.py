"""RandomLesions: lesions of white matter, in label maps and in scans."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.label_codes import check_codes, code_table, look_up
from medzoo.layers.lesion_shapes import (
    BLOBS,
    draw_blobs,
    draw_roughness,
    draw_voxels,
    lesion_field,
    near_and_deep,
)
from medzoo.layers.ranges import range_within, whole_range
from medzoo.layers.volume_layer import IMAGES, MASKS, RandomVolumeLayer

FIELD = "field"
# The rim of a lesion: how fast intensities go from tissue to lesion with the field.
SHARPNESS = 2.0


@keras.saving.register_keras_serializable(package="medzoo")
class RandomLesions(RandomVolumeLayer):
    """Puts lesions like those of small vessel disease and sclerosis into tissue.

    The number of lesions of a volume and the radius of each are log-uniform: most are
    few and small, some are many and large. A share of them is drawn close to the
    ventricles, where they merge to caps and bands, the others deep in the tissue, less
    often near its rim. Each is three overlapping ellipsoids with an irregular outline;
    by itself it has on average the volume of a sphere of its radius (half of it to
    1.7 times, for nine of ten). Nothing but the given tissue is changed. The label map
    gets a new code; intensities of an image, if there is one, are raised or lowered,
    fading at the rim.

    Before `LabelToImage` (a label map alone will do) the lesions get a contrast there;
    with a scan and its label map they are painted into the scan.

    Args:
        label: int, the code of lesions. Defaults to 77 (FreeSurfer's).
        tissue: sequence of int, codes where lesions may be. Defaults to (2, 41),
            FreeSurfer's white matter.
        near: sequence of int, codes that some lesions are close to. Defaults to
            (4, 43), the lateral ventricles. May be empty.
        num_lesions: two ints, or one for both: range of the number. Defaults to
            (1, 50).
        radius: two floats above 0, range of the radius in mm. Defaults to (1, 6).
        periventricular: float in [0, 1], chance of each lesion to be close to `near`.
            Defaults to 0.6.
        distance: float, mm, how far from `near` those reach: the standard deviation of
            a Gaussian. Defaults to 5.
        irregularity: float, standard deviation of the logarithm of what the field of
            a lesion is multiplied by, at points 3 mm apart. Defaults to 0.35.
        contrast: None to leave images alone, two floats, or a list of two floats a
            channel: range of what intensities of lesions gain (or, if negative,
            lose), as a share of the mean absolute intensity of the tissue, one draw
            a volume and channel. Defaults to (0.3, 0.7), as in FLAIR and T2.
        spacing: float or three floats, mm from voxel to voxel. Defaults to 1.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        A dict with "segmentation_masks" `(batch, x, y, z, 1)` or `(x, y, z, 1)`, and
        "images" where there are.

    Output shape:
        As the input.

    Raises:
        ValueError: for no label map, codes that are none, or ranges that do not
            ascend.

    Example:
        >>> lesions = RandomLesions(tissue=(2, 41), near=(4, 43))
        >>> synthesise = LabelToImage(labels=(0, 2, 3, 4, 41, 42, 43, 77))
        >>> synthesise(lesions({"segmentation_masks": label_map}, training=True))
    """

    needs_images = False

    def __init__(
        self,
        label: int = 77,
        tissue: Sequence[int] = (2, 41),
        near: Sequence[int] = (4, 43),
        num_lesions: int | Sequence[int] = (1, 50),
        radius: Sequence[float] = (1.0, 6.0),
        periventricular: float = 0.6,
        distance: float = 5.0,
        irregularity: float = 0.35,
        contrast: Any = (0.3, 0.7),
        spacing: float | Sequence[float] = 1.0,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        (self.label,) = check_codes([label], "label")
        self.tissue = check_codes(tissue, "tissue")
        self.near = check_codes(near, "near")
        self.num_lesions = whole_range(num_lesions, "num_lesions", least=1)
        self.radius = range_within(radius, "radius", least=1e-3)
        self.periventricular = periventricular
        self.distance = distance
        self.irregularity = irregularity
        # Arrays as plain numbers, which a configuration can hold.
        self.contrast = contrast if contrast is None else np.asarray(contrast).tolist()
        self.spacing = np.asarray(spacing).tolist()
        self._check()
        self._is_tissue = code_table(dict.fromkeys(self.tissue, 1))
        self._is_near = code_table(dict.fromkeys(self.near, 1))

    def _check(self):
        if not 0 <= self.periventricular <= 1:
            raise ValueError(
                "`periventricular` must lie in [0, 1]. "
                f"Received: periventricular={self.periventricular}."
            )
        if not self.distance > 0 or not self.irregularity >= 0:
            raise ValueError(
                "`distance` must be above 0, and `irregularity` not below. Received: "
                f"distance={self.distance}, irregularity={self.irregularity}."
            )
        if self.contrast is not None:
            for limits in np.reshape(self.contrast, (-1, 2)).tolist():
                range_within(limits, "contrast", least=-np.inf)
        if np.shape(self.spacing) not in ((), (3,)) or not np.min(self.spacing) > 0:
            raise ValueError(
                "`spacing` must be one float or three, above 0. "
                f"Received: spacing={self.spacing}."
            )

    @property
    def _steps(self):
        return [float(step) for step in np.broadcast_to(self.spacing, 3)]

    def draw(self, data: Any, seed: Any) -> Any:
        masks = _label_map(data)
        count, *sizes = ops.shape(masks)[:4]
        fewest, most = self.num_lesions
        tissue = look_up(masks, self._is_tissue)
        voxels = self._draw_voxels(
            ops.cast(tissue, "float32"),
            ops.cast(look_up(masks, self._is_near), "float32"),
            seed,
        )

        def log_uniform(columns, low, high):
            low, high = float(np.log(low)), float(np.log(high))
            drawn = keras.random.uniform((count, columns), low, high, seed=seed)
            return ops.exp(drawn)

        centre, half_axes = draw_blobs(
            voxels * ops.convert_to_tensor(self._steps, dtype="float32"),
            log_uniform(most, *self.radius),
            seed,
        )
        number = ops.floor(log_uniform(1, fewest, most + 1))
        present = ops.cast(ops.arange(most, dtype="int32"), "float32") < number
        return {
            **self._draw_contrasts(count, data[IMAGES].shape[-1], seed),
            "tissue": tissue > 0,
            "centre": centre,
            "half_axes": half_axes,
            "present": ops.cast(ops.repeat(present, BLOBS, axis=1), "float32"),
            "roughness": draw_roughness(
                sizes, self._steps, count, self.irregularity, seed
            ),
        }

    def _draw_voxels(self, tissue, near, seed):
        """Draws where lesions are centred: `(batch, lesions, 3)`, voxels."""
        count, most = ops.shape(tissue)[0], self.num_lesions[1]
        near, deep = near_and_deep(tissue, near, self.distance, self._steps)
        # Where there is nothing to be near to, all are deep.
        any_near = ops.any(near > 0, (1, 2, 3))[:, None]
        share = keras.random.uniform((count, most), seed=seed)
        close = ops.logical_and(share < self.periventricular, any_near)
        voxels = ops.where(
            close[..., None],
            draw_voxels(near, most, seed),
            draw_voxels(deep, most, seed),
        )
        within = keras.random.uniform((count, most, 3), -0.5, 0.5, seed=seed)
        return voxels + within

    def _draw_contrasts(self, count, channels, seed):
        if self.contrast is None:
            return {}
        limits = np.reshape(self.contrast, (-1, 2)).T
        low, high = (ops.convert_to_tensor(x, dtype="float32") for x in limits)
        channels = limits.shape[1] if np.ndim(self.contrast) == 2 else channels
        drawn = keras.random.uniform((count, channels), seed=seed)
        drawn = low + (high - low) * drawn
        return {"contrast": ops.reshape(drawn, (-1, 1, 1, 1, channels))}

    def apply_transformation(
        self, data: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        contrast = self.contrast
        has_images = isinstance(data, dict) and IMAGES in data
        if has_images and contrast is not None and np.ndim(contrast) == 2:
            channels = data[IMAGES].shape[-1]
            if channels != len(contrast):
                raise ValueError(
                    "`contrast` must be one range, or one a channel. "
                    f"Received: {len(contrast)} for {channels} channels."
                )
        return super().apply_transformation(data, transformation, training)

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None or self.contrast is None:
            return images
        tissue = ops.cast(transformation["tissue"], "float32")
        amount = ops.maximum(ops.sum(tissue, (1, 2, 3), keepdims=True), 1.0)
        level = ops.sum(ops.abs(images) * tissue, (1, 2, 3), keepdims=True) / amount
        share = 0.5 + SHARPNESS * (self._field(transformation, images) - 1.0)
        share = tissue * ops.clip(share, 0.0, 1.0)
        return images + share * (transformation["contrast"] * level)

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return masks
        lesion = ops.logical_and(
            self._field(transformation, masks) >= 1.0, transformation["tissue"]
        )
        return ops.where(lesion, ops.cast(self.label, masks.dtype), masks)

    def transform_weights(
        self, weights: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return weights

    def _apply(self, entries, drawn, training):
        if drawn is not None:
            drawn = {k: ops.convert_to_tensor(v) for k, v in drawn.items()}
            # Once for the image and the label map.
            drawn[FIELD] = self._field(drawn, entries[IMAGES])
        return super()._apply(entries, drawn, training)

    def _field(self, drawn, volumes):
        if FIELD in drawn:
            return drawn[FIELD]
        return lesion_field(drawn, ops.shape(volumes)[1:4], self._steps)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label": self.label,
            "tissue": self.tissue,
            "near": self.near,
            "num_lesions": self.num_lesions,
            "radius": self.radius,
            "periventricular": self.periventricular,
            "distance": self.distance,
            "irregularity": self.irregularity,
            "contrast": self.contrast,
            "spacing": self.spacing,
        }


def _label_map(data):
    if MASKS not in data or data[MASKS].shape[-1] != 1:
        raise ValueError(
            f'RandomLesions needs a label map of one channel, "{MASKS}". '
            f"Received: { {key: tuple(value.shape) for key, value in data.items()} }."
        )
    return data[MASKS]
