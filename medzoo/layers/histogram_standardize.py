"""HistogramStandardize: one intensity scale for scans of one kind."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.region import (
    SPATIAL_AXES,
    check_region,
    draw_mask,
    inside_region,
)
from medzoo.layers.volume_layer import IMAGES, VolumeLayer, as_batch

DECILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)


@keras.saving.register_keras_serializable(package="medzoo")
class HistogramStandardize(VolumeLayer):
    """Maps the percentiles of each volume onto landmarks (Nyul).

    Landmarks are learnt by `adapt` from scans of one kind: the percentiles of each,
    its outer two brought to the ends of `out_range` linearly, then averaged. A volume
    is mapped piecewise linearly from its own percentiles to them; the outer pieces go
    on beyond. What is learnt is part of the configuration and of the weights, so it
    is saved with a model. As with `keras.layers.Normalization`, adapt before a model
    with this layer is compiled or traced.

    Args:
        landmarks: None (to be learnt), floats that ascend, one a percentile, or one
            such list a channel.
        percentiles: floats that ascend within [0, 100], at least two. Defaults to the
            deciles between 1 and 99.
        out_range: two floats, the scale that `adapt` puts landmarks on. Defaults to
            (0, 1).
        region: str, the voxels that percentiles are taken over, as in `ZScore`; all
            voxels are mapped. Defaults to "foreground".
        clip: bool, whether values beyond the outer percentiles are cut to the outer
            landmarks. Defaults to False.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, float32. A constant volume becomes the first landmark.

    Raises:
        ValueError: for percentiles or landmarks that do not ascend or do not match,
            or a call before `adapt`.

    Example:
        >>> layer = HistogramStandardize()
        >>> layer.adapt(volumes)  # an array, a list, or a tf.data.Dataset
        >>> layer(volume)

    Source:
        Nyúl, Udupa, Zhang, "New variants of a method of MRI scale standardization",
        IEEE Transactions on Medical Imaging 19 (2000).
    """

    def __init__(
        self,
        landmarks: Any = None,
        percentiles: Sequence[float] = DECILES,
        out_range: Sequence[float] = (0.0, 1.0),
        region: str = "foreground",
        clip: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_region(region)
        _check_ascending(percentiles, "percentiles")
        if not 0 <= percentiles[0] < percentiles[-1] <= 100:
            raise ValueError(
                "`percentiles` must lie within [0, 100]. "
                f"Received: percentiles={percentiles}."
            )
        if not out_range[0] < out_range[1]:
            raise ValueError(
                f"`out_range` must ascend. Received: out_range={out_range}."
            )
        self.percentiles = tuple(float(p) for p in percentiles)
        self.out_range = tuple(float(end) for end in out_range)
        self.region = region
        self.clip = clip
        self.landmarks = None
        if landmarks is not None:
            self._set_landmarks(landmarks)

    def adapt(self, data: Any) -> None:
        """Learns the landmarks, and forgets those of before.

        Args:
            data: one volume or batch, or an iterable of such (a list of volumes of
                any sizes, a `tf.data.Dataset`, a `keras.utils.PyDataset`); tensors, or
                dicts as the layer is called with. Of tuples the first entry counts.

        Raises:
            ValueError: if no volume has two different outer percentiles.
        """
        low, high = self.out_range
        total, count = 0.0, 0
        for batch in _batches(data):
            entries, _, _ = as_batch(batch, type(self).__name__)
            drawn = self.get_random_transformation(batch)
            found = self._percentiles_of(entries[IMAGES], drawn)
            found = ops.convert_to_numpy(found).astype("float64")
            span = found[:, -1:] - found[:, :1]
            # A constant channel says nothing about the scale of the others.
            usable = (span > 0).all(axis=(1, 2))
            found, span = found[usable], span[usable]
            total = total + ((found - found[:, :1]) / span).sum(0)
            count += len(found)
        if not count:
            raise ValueError(
                "At least one volume must have two different outer percentiles. "
                "Received: none."
            )
        mean = np.asarray(total) / count
        self._set_landmarks((low + mean * (high - low)).T.tolist())

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: Any = None
    ) -> Any:
        return draw_mask(self.region, data, type(self).__name__)

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        images = ops.cast(images, "float32")
        landmarks = self._landmarks_for(images.shape[-1])
        found = self._percentiles_of(images, transformation)[:, :, None, None, None]
        last = len(self.percentiles) - 2
        result = landmarks[:, 0]
        for piece in range(last + 1):
            low, width = found[:, piece], found[:, piece + 1] - found[:, piece]
            wide = width > 0
            share = (images - low) / ops.where(wide, width, 1.0)
            if piece > 0 or self.clip:
                share = ops.maximum(share, 0.0)
            if piece < last or self.clip:
                share = ops.minimum(share, 1.0)
            # Of percentiles that coincide, what is above them takes the later one.
            step = ops.cast(images > low, "float32")
            rise = landmarks[:, piece + 1] - landmarks[:, piece]
            result = result + rise * ops.where(wide, share, step)
        return result

    def _percentiles_of(self, images, transformation):
        """Percentiles of the region: `(batch, percentiles, channels)`."""
        shape = ops.shape(images)
        inside = inside_region(images, self.region, transformation)
        count = ops.sum(ops.cast(inside, "int32"), SPATIAL_AXES)
        # Infinity moves what is outside behind all that counts.
        flat = ops.reshape(
            ops.where(inside, images, float("inf")), (shape[0], -1, shape[-1])
        )
        flat = ops.sort(flat, axis=1)
        last = ops.maximum(count - 1, 0)[:, None]
        share = np.asarray(self.percentiles, "float32")[None, :, None] / 100
        position = ops.convert_to_tensor(share) * ops.cast(last, "float32")
        low = ops.cast(ops.floor(position), "int32")
        rest = position - ops.cast(low, "float32")
        at_low = ops.take_along_axis(flat, ops.minimum(low, last), axis=1)
        at_high = ops.take_along_axis(flat, ops.minimum(low + 1, last), axis=1)
        found = at_low + rest * (at_high - at_low)
        return ops.where(count[:, None] > 0, found, 0.0)

    def _landmarks_for(self, channels):
        """Landmarks as `(1, percentiles, 1, 1, 1, channels or 1)` float32."""
        if self.landmarks is None:
            raise ValueError(
                "HistogramStandardize needs landmarks: call adapt() first. "
                "Received: landmarks=None."
            )
        array = np.atleast_2d(np.asarray(self.landmarks, "float32"))
        if len(array) not in (1, channels):
            raise ValueError(
                "The volumes must have as many channels as there are lists of "
                f"landmarks. Received: {channels} channels, {len(array)} lists."
            )
        return ops.convert_to_tensor(array.T[None, :, None, None, None])

    def _set_landmarks(self, landmarks):
        rows = np.atleast_2d(np.asarray(landmarks, "float64"))
        for row in rows:
            _check_ascending(row.tolist(), "landmarks")
        if rows.ndim != 2 or rows.shape[1] != len(self.percentiles):
            raise ValueError(
                f"`landmarks` must be one a percentile ({len(self.percentiles)}), or "
                f"one such list a channel. Received: landmarks={landmarks}."
            )
        self.landmarks = rows[0].tolist() if np.ndim(landmarks) == 1 else rows.tolist()

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self.landmarks is not None:
            store["landmarks"] = np.asarray(self.landmarks, "float64")

    def load_own_variables(self, store: Any) -> None:
        if "landmarks" in store:
            self._set_landmarks(np.asarray(store["landmarks"]).tolist())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "landmarks": self.landmarks,
            "percentiles": self.percentiles,
            "out_range": self.out_range,
            "region": self.region,
            "clip": self.clip,
        }


def _batches(data):
    if hasattr(data, "shape") or isinstance(data, dict):
        data = [data]
    for batch in data:
        yield batch[0] if isinstance(batch, tuple) else batch


def _check_ascending(values, name):
    if len(values) < 2 or any(not a <= b for a, b in pairwise(values)):
        raise ValueError(
            f"`{name}` must be at least two and ascend. Received: {name}={values}."
        )
