"""The contract of every preprocessing layer: one draw, applied to all that belongs."""

from typing import Any

import keras
from keras import ops

IMAGES = "images"
MASKS = "segmentation_masks"
WEIGHTS = "weights"
LABELS = "labels"
# What has one entry a voxel, and with that a batch axis to add to a single volume.
VOXELWISE = (IMAGES, MASKS, WEIGHTS)


class VolumeLayer(keras.layers.Layer):
    """Base of layers that transform volumes and what belongs to them alike.

    Takes a tensor or a dict with "images" and, where there are, "segmentation_masks"
    and "weights" (voxel-wise) and "labels" (left alone). Each may be one volume
    `(x, y, z, channels)` or a batch of them. Subclasses write
    `get_random_transformation` and the `transform_*` methods, which see batches.
    Where `needs_images` is False, a dict with "segmentation_masks" alone will do.

    Args:
        seed: int or None, for layers that draw at random.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, unless the layer says otherwise; images are float32.
    """

    needs_images = True

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        # The dtype policy of a network must not round what is still an image.
        super().__init__(autocast=False, **kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: int | None = None
    ) -> Any:
        """Draws what is applied to all entries of `data`, once.

        Args:
            data: tensor or dict, as the layer is called with.
            training: bool; a random layer draws nothing (None) when False.
            seed: `keras.random.SeedGenerator`, int, or None for the layer's own.

        Returns:
            Flat dict of tensors with a leading batch axis, or None for no
            transformation. It can be turned into numpy arrays and given to the same
            layer on another backend.
        """
        return None

    def apply_transformation(
        self, data: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        """Applies what was drawn, to `data` or to other data of its shape.

        Args:
            data: tensor or dict, as the layer is called with.
            transformation: what `get_random_transformation` returned.
            training: bool.

        Returns:
            As `data`.
        """
        entries, is_dict, single = self._as_batch(data)
        entries = self._apply(entries, transformation, training)
        if is_dict and IMAGES not in data:
            del entries[IMAGES]
        if single:
            entries = {
                key: ops.squeeze(value, 0) if key in VOXELWISE else value
                for key, value in entries.items()
            }
        return entries if is_dict else entries[IMAGES]

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        """Returns the transformed images, `(batch, x, y, z, channels)`."""
        return images

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        """Returns the transformed label maps; intensity layers leave them alone."""
        return masks

    def transform_weights(
        self, weights: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        """Returns the transformed voxel weights; by default as label maps."""
        return self.transform_segmentation_masks(weights, transformation, training)

    def transform_labels(
        self, labels: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        """Returns the labels of whole volumes, which no layer here alters."""
        return labels

    def call(self, data: Any, training: bool | None = None) -> Any:
        training = bool(training)
        drawn = self.get_random_transformation(data, training)
        return self.apply_transformation(data, drawn, training)

    def _as_batch(self, data):
        """Returns what `as_batch` does; label maps stand in for missing images."""
        if isinstance(data, dict) and IMAGES not in data and not self.needs_images:
            data = {**data, IMAGES: data[MASKS]} if MASKS in data else data
        return as_batch(data, type(self).__name__)

    def _apply(self, entries, drawn, training):
        apply = {
            IMAGES: self.transform_images,
            MASKS: self.transform_segmentation_masks,
            WEIGHTS: self.transform_weights,
            LABELS: self.transform_labels,
        }
        return {
            key: apply[key](value, drawn, training) if key in apply else value
            for key, value in entries.items()
        }

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, data: Any, training: bool | None = None) -> Any:
        if not isinstance(data, dict):
            return keras.KerasTensor(self.compute_output_shape(data.shape), "float32")
        shapes = self.compute_output_shape({k: x.shape for k, x in data.items()})
        return {
            key: keras.KerasTensor(shapes[key], "float32" if key == IMAGES else x.dtype)
            for key, x in data.items()
        }

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.seed is not None:
            config["seed"] = self.seed
        return config


class RandomVolumeLayer(VolumeLayer):
    """Base of layers that draw at random in training and do nothing at inference.

    Subclasses write `draw(data, seed)` and the `transform_*` methods; those are
    called with a draw only.

    Args:
        rate: float in [0, 1], share of volumes that are transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self, rate: float = 1.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must lie in [0, 1]. Received: rate={rate}.")
        self.rate = rate

    def draw(self, data: dict[str, Any], seed: Any) -> dict[str, Any]:
        """Returns a flat dict of tensors, one row a volume of the batch.

        Args:
            data: dict of batched tensors; images are float32.
            seed: `keras.random.SeedGenerator` or int, for every `keras.random` call.
        """
        raise NotImplementedError

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: Any = None
    ) -> Any:
        if not training:
            return None
        entries, _, _ = self._as_batch(data)
        seed = self.generator if seed is None else seed
        drawn = self.draw(entries, seed)
        count = ops.shape(entries[IMAGES])[0]
        drawn["chosen"] = keras.random.uniform((count,), seed=seed) < self.rate
        return drawn

    def _apply(self, entries, drawn, training):
        if drawn is None:
            return entries
        changed = super()._apply(entries, drawn, training)
        for key in VOXELWISE:
            if key in entries and changed[key] is not entries[key]:
                chosen = ops.reshape(drawn["chosen"], (-1, 1, 1, 1, 1))
                changed[key] = ops.where(chosen, changed[key], entries[key])
        return changed

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


def as_batch(data, name):
    """Returns `data` as a dict of batches.

    Args:
        data: tensor or dict of tensors, of one volume or of a batch.
        name: str, whose input it is, for the message.

    Returns:
        dict whose voxel-wise entries have rank 5 and whose images are float32; whether
        `data` was a dict; whether it was one volume.

    Raises:
        ValueError: for another rank, or entries whose sizes differ.
    """
    is_dict = isinstance(data, dict)
    entries = dict(data) if is_dict else {IMAGES: data}
    if IMAGES not in entries:
        raise ValueError(
            f'{name} needs an entry "{IMAGES}". Received: keys={sorted(entries)}.'
        )
    shapes = {k: tuple(entries[k].shape) for k in VOXELWISE if k in entries}
    if len(shapes[IMAGES]) not in (4, 5) or not _sizes_agree(shapes):
        raise ValueError(
            f"{name} takes volumes (x, y, z, channels) or (batch, x, y, z, channels), "
            "and label maps and weights of the same sizes. "
            f"Received: shapes={shapes}."
        )
    entries[IMAGES] = ops.cast(entries[IMAGES], "float32")
    single = len(shapes[IMAGES]) == 4
    if single:
        for key in shapes:
            entries[key] = ops.expand_dims(entries[key], 0)
    return entries, is_dict, single


def _sizes_agree(shapes):
    images = shapes[IMAGES]
    return all(
        len(shape) == len(images)
        and all(
            None in (a, b) or a == b
            for a, b in zip(shape[:-1], images[:-1], strict=True)
        )
        for shape in shapes.values()
    )


def pair(value, name):
    """Returns `(low, high)` of a range given as two numbers or as its upper bound."""
    low, high = (0.0, value) if isinstance(value, (int, float)) else value
    if not low <= high:
        raise ValueError(f"`{name}` must be an ascending range. Received: {value}.")
    return float(low), float(high)
