"""LabelToImage: a scan of any contrast out of a label map."""

from collections.abc import Sequence
from dataclasses import asdict
from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.acquisition import Acquisition
from medzoo.layers.axis_names import as_axes
from medzoo.layers.label_codes import check_codes, code_table, look_up
from medzoo.layers.label_priors import check_priors, class_indices, prior_table
from medzoo.layers.ranges import range_within
from medzoo.layers.volume_layer import IMAGES, MASKS, VolumeLayer, as_batch

# Ranges of mean and stddev of air that is not cut out: dark, but seldom 0.
AIR = (0.0, 0.1, 0.0, 0.05)
# In place of a code: whatever the label map holds beside those given.
ELSEWHERE = -1


@keras.saving.register_keras_serializable(package="medzoo")
class LabelToImage(VolumeLayer):
    """Synthesises a scan of random contrast from a label map.

    Each label, or class of labels, and channel gets a mean and a standard deviation,
    and each voxel a Gaussian number with them. On that act, in the order of a scanner:
    a bias field and a gamma curve, a blur (partial volume), slices thicker than
    voxels, noise; then slices are interpolated back to voxels. A network trained on
    such scans learns anatomy rather than one contrast; with `priors` it learns a
    contrast of which there are no labelled scans.

    Like a generator it draws anew at each call, in training or not.

    Args:
        labels: sequence of int, the codes in the label maps, sparse ones allowed
            (FreeSurfer's). What is not among them counts as background.
        num_channels: int, each with a contrast of its own. Defaults to 1.
        generation_classes: sequence of one int a label, or None: labels of one class
            share mean and stddev (left and right). Defaults to None.
        mean: two floats, range of means. Defaults to (0.1, 0.9).
        stddev: two floats, range of standard deviations. Defaults to (0.01, 0.1).
        priors: None, or dict, or a list of one dict (or None) a channel: code ->
            `((lowest mean, highest mean), (lowest stddev, highest stddev))`,
            in place of `mean` and `stddev`. Codes may be strings, as in JSON.
        background: sequence of int, codes of `labels` that are air. Defaults to (0,).
            Unless `priors` says otherwise their mean is drawn from (0, 0.1) and their
            stddev from (0, 0.05).
        zero_background: float in [0, 1], chance that background is exactly 0 in all
            channels, as in scans that were masked. Defaults to 0.5.
        removable: sequence of int, codes of `labels` that are background in some
            scans: skull and scalp, for brains that were extracted. Defaults to ().
        removal: float in [0, 1], chance that they are. Defaults to 0.
        bias_stddev: float, upper bound of the standard deviation of the logarithm
            of the bias field at its control points, drawn from 0 on. Defaults to 0.5.
        control_points: int, of the bias field along each axis. Defaults to 4.
        log_gamma: float, the natural logarithm of the power that intensities are
            raised to is drawn from [-log_gamma, log_gamma]. Defaults to 0.4.
        blur: two floats, range of the standard deviation of a Gaussian, in voxels.
            Defaults to (0.3, 0.9).
        thick_slices: float in [0, 1], chance of slices thicker than a voxel, for each
            channel. Defaults to 0.5.
        slice_spacing: two floats, at least 1, range of voxels from one slice to the
            next; a slice is 1 voxel to the whole spacing thick. Defaults to (1, 6).
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS"), across
            one of which thick slices lie. Defaults to all.
        noise: two floats, range of the standard deviation of Gaussian noise, added
            to slices. Defaults to (0, 0.05).
        targets: None, or dict of code -> class (codes may be strings): what label maps
            become; other codes become 0. Defaults to None: they stay.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        A label map `(batch, x, y, z, 1)` or `(x, y, z, 1)`, ints or whole floats;
        or a dict with it as "segmentation_masks", or else as "images".

    Output shape:
        A dict: "images" `(batch, x, y, z, num_channels)` float32, at least 0 and mostly
        below 1; "segmentation_masks" int32 of the input's shape; and what else was in
        the input's dict.

    Raises:
        ValueError: for codes, classes, ranges or chances out of range.

    Example:
        >>> synthesise = LabelToImage(
        ...     labels=(0, 2, 3, 4, 41, 42, 43),
        ...     generation_classes=(0, 1, 2, 3, 1, 2, 3),
        ...     targets={2: 1, 41: 1, 3: 2, 42: 2, 4: 3, 43: 3},
        ... )
        >>> scan = synthesise(label_map)  # {"images": ..., "segmentation_masks": ...}

    Source:
        Billot et al., "SynthSeg: Segmentation of brain MRI scans of any contrast and
        resolution without retraining", Medical Image Analysis 86 (2023).
    """

    def __init__(
        self,
        labels: Sequence[int],
        num_channels: int = 1,
        generation_classes: Any = None,
        mean: Sequence[float] = (0.1, 0.9),
        stddev: Sequence[float] = (0.01, 0.1),
        priors: Any = None,
        background: Sequence[int] = (0,),
        zero_background: float = 0.5,
        removable: Sequence[int] = (),
        removal: float = 0.0,
        bias_stddev: float = 0.5,
        control_points: int = 4,
        log_gamma: float = 0.4,
        blur: Sequence[float] = (0.3, 0.9),
        thick_slices: float = 0.5,
        slice_spacing: Sequence[float] = (1.0, 6.0),
        axes: int | str | Sequence[int | str] = (0, 1, 2),
        noise: Sequence[float] = (0.0, 0.05),
        targets: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        if not num_channels >= 1:
            raise ValueError(
                "`num_channels` must be at least 1. "
                f"Received: num_channels={num_channels}."
            )
        self.labels = check_codes(labels, "labels")
        self.num_channels = num_channels
        self.generation_classes = generation_classes
        if generation_classes is not None:
            self.generation_classes = tuple(int(k) for k in generation_classes)
        self.mean = range_within(mean, "mean")
        self.stddev = range_within(stddev, "stddev")
        self.priors = check_priors(priors, self.labels, num_channels)
        self.background = check_codes(background, "background")
        self.zero_background = _chance(zero_background, "zero_background")
        self.removable = check_codes(removable, "removable")
        self.removal = _chance(removal, "removal")
        self.targets = targets and _as_targets(targets)
        self.acquisition = Acquisition(
            bias_stddev=bias_stddev,
            control_points=control_points,
            log_gamma=log_gamma,
            blur=blur,
            thick_slices=thick_slices,
            slice_spacing=slice_spacing,
            axes=as_axes(axes),
            noise=noise,
        )
        for name, value in asdict(self.acquisition).items():
            setattr(self, name, value)
        self._make_tables()

    def _make_tables(self):
        # One row more than labels: what is not among them, unless they name air.
        labels = [*self.labels, ELSEWHERE]
        air = [code in self.background for code in self.labels]
        elsewhere = air.index(True) if any(air) else len(self.labels)
        rows = {code: row for row, code in enumerate(self.labels)}
        self._rows = code_table(rows, other=elsewhere)
        self._classes = class_indices(labels, self.generation_classes)
        self._is_air = np.array([*air, True])
        self._is_removable = np.array([c in self.removable for c in labels])
        usual = (*self.mean, *self.stddev)
        defaults = [AIR if is_air else usual for is_air in self._is_air]
        self._ranges = prior_table(
            labels, self._classes, self.priors, defaults, self.num_channels
        )
        targets = self.targets or {}
        self._targets = code_table({int(code): k for code, k in targets.items()})

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: Any = None
    ) -> Any:
        entries, _, _ = as_batch(_as_source(data), type(self).__name__)
        shape = ops.shape(entries[IMAGES])
        count = shape[0]
        seed = self.generator if seed is None else seed

        def uniform(shape):
            return keras.random.uniform(shape, seed=seed)

        ranges = ops.convert_to_tensor(np.moveaxis(self._ranges, -1, 0))
        low_mean, high_mean, low_stddev, high_stddev = (
            ranges[column] for column in range(4)
        )
        drawn = {
            # One a channel and class.
            name: low + (high - low) * uniform((count, *low.shape))
            for name, low, high in (
                ("mean", low_mean, high_mean),
                ("stddev", low_stddev, high_stddev),
            )
        }
        shape = (*shape[:4], self.num_channels)
        return {
            **drawn,
            "texture": keras.random.normal(shape, seed=seed),
            "zero_background": uniform((count,)) < self.zero_background,
            "removed": uniform((count,)) < self.removal,
            **self.acquisition.draw(shape, seed),
        }

    def apply_transformation(
        self, data: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return super().apply_transformation(_as_source(data), transformation, training)

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if images.shape[-1] != 1:
            raise ValueError(
                f"A label map has one channel. Received: {images.shape[-1]} channels."
            )
        drawn = {k: ops.convert_to_tensor(v) for k, v in transformation.items()}
        rows = look_up(images[..., 0], self._rows)
        table = self._table(drawn)
        # One gather for all volumes: their tables lie one after the other.
        count = ops.shape(table)[0]
        start = ops.arange(count, dtype="int32") * len(self._classes)
        flat = ops.reshape(table, (-1, table.shape[-1]))
        values = ops.take(flat, rows + start[:, None, None, None], axis=0)
        mean, stddev, kept = (
            values[..., : self.num_channels],
            values[..., self.num_channels : -1],
            values[..., -1:],
        )
        images = mean + stddev * drawn["texture"]
        return self.acquisition.apply(images, drawn) * kept

    def _table(self, drawn):
        """Means, deviations, and 0 for what is cut out: `(batch, rows, columns)`."""
        columns = [
            ops.transpose(ops.take(drawn[name], self._classes, axis=2), (0, 2, 1))
            for name in ("mean", "stddev")
        ]
        removed = drawn["removed"][:, None]
        zero = ops.logical_or(drawn["zero_background"][:, None], removed)
        cut_out = ops.logical_or(
            ops.logical_and(self._is_air, zero),
            ops.logical_and(self._is_removable, removed),
        )
        kept = 1.0 - ops.cast(cut_out, "float32")
        return ops.concatenate([*columns, kept[..., None]], -1)

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if self.targets is None:
            return ops.cast(ops.round(masks), "int32")
        return look_up(masks, self._targets)

    def transform_weights(
        self, weights: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return weights

    def compute_output_spec(self, data: Any, training: bool | None = None) -> Any:
        source = _as_source(data)
        shape = tuple(source[MASKS].shape)
        return {
            **source,
            IMAGES: keras.KerasTensor((*shape[:-1], self.num_channels), "float32"),
            MASKS: keras.KerasTensor(shape, "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "labels": self.labels,
            "num_channels": self.num_channels,
            "generation_classes": self.generation_classes,
            "mean": self.mean,
            "stddev": self.stddev,
            "priors": self.priors,
            "background": self.background,
            "zero_background": self.zero_background,
            "removable": self.removable,
            "removal": self.removal,
            **asdict(self.acquisition),
            "targets": self.targets,
        }


def _as_source(data):
    """Returns a dict whose images and label maps are the label map to start from."""
    if not isinstance(data, dict):
        return {IMAGES: data, MASKS: data}
    if MASKS not in data and IMAGES not in data:
        return data
    label_map = data[MASKS] if MASKS in data else data[IMAGES]
    return {**data, IMAGES: label_map, MASKS: label_map}


def _as_targets(targets):
    codes = check_codes([int(code) for code in targets], "targets")
    classes = list(targets.values())
    if not all(isinstance(k, Integral) and k >= 0 for k in classes):
        raise ValueError(
            "`targets` must map codes to classes, ints from 0 on. "
            f"Received: targets={targets}."
        )
    return {str(code): int(k) for code, k in zip(codes, classes, strict=True)}


def _chance(value, name):
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must lie in [0, 1]. Received: {name}={value}.")
    return value
