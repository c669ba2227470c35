"""The contract of every preprocessing layer: one draw, applied to all that belongs."""

import keras
from keras import ops

IMAGES = "images"
MASKS = "segmentation_masks"
WEIGHTS = "weights"
LABELS = "labels"


class VolumeLayer(keras.layers.Layer):
    """Base of layers that transform volumes and what belongs to them alike.

    Takes a tensor or a dict with "images" and, where there are, "segmentation_masks"
    and "weights" (voxel-wise) and "labels" (left alone). Each may be one volume
    `(x, y, z, channels)` or a batch of them. Subclasses write
    `get_random_transformation` and the `transform_*` methods, which see batches.

    Args:
        seed: int or None, for layers that draw at random.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, unless the layer says otherwise; images are float32.
    """

    def __init__(self, seed=None, **kwargs):
        # The dtype policy of a network must not round what is still an image.
        super().__init__(autocast=False, **kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """Draws what is applied to all entries of `data`, once.

        Args:
            data: dict of batched tensors.
            training: bool; a random layer draws nothing (None) when False.
            seed: `keras.random.SeedGenerator`, int, or None for the layer's own.

        Returns:
            dict of tensors, or None for no transformation.
        """
        return None

    def transform_images(self, images, transformation, training=True):
        """Returns the transformed images, `(batch, x, y, z, channels)`."""
        return images

    def transform_segmentation_masks(self, masks, transformation, training=True):
        """Returns the transformed label maps; intensity layers leave them alone."""
        return masks

    def transform_weights(self, weights, transformation, training=True):
        """Returns the transformed voxel weights; by default as label maps."""
        return self.transform_segmentation_masks(weights, transformation, training)

    def transform_labels(self, labels, transformation, training=True):
        """Returns the labels of whole volumes, which no layer here alters."""
        return labels

    def call(self, data, training=None):
        training = bool(training)
        is_dict = isinstance(data, dict)
        entries = dict(data) if is_dict else {IMAGES: data}
        entries[IMAGES] = ops.cast(entries[IMAGES], "float32")
        single = len(entries[IMAGES].shape) == 4
        voxelwise = [k for k in (IMAGES, MASKS, WEIGHTS) if k in entries]
        if single:
            for key in voxelwise:
                entries[key] = ops.expand_dims(entries[key], 0)
        drawn = self.get_random_transformation(entries, training, None)
        entries = self._apply(entries, drawn, training)
        if single:
            for key in voxelwise:
                entries[key] = ops.squeeze(entries[key], 0)
        return entries if is_dict else entries[IMAGES]

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

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, data, training=None):
        if not isinstance(data, dict):
            return keras.KerasTensor(self.compute_output_shape(data.shape), "float32")
        shapes = self.compute_output_shape({k: x.shape for k, x in data.items()})
        return {
            key: keras.KerasTensor(shapes[key], "float32" if key == IMAGES else x.dtype)
            for key, x in data.items()
        }

    def get_config(self):
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

    def __init__(self, rate=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must lie in [0, 1]. Received: rate={rate}.")
        self.rate = rate

    def draw(self, data, seed):
        """Returns a dict of tensors, one row a volume of the batch."""
        raise NotImplementedError

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        drawn = self.draw(data, seed)
        count = ops.shape(data[IMAGES])[0]
        drawn["chosen"] = keras.random.uniform((count,), seed=seed) < self.rate
        return drawn

    def _apply(self, entries, drawn, training):
        if drawn is None:
            return entries
        changed = super()._apply(entries, drawn, training)
        for key in (IMAGES, MASKS, WEIGHTS):
            if key in entries and changed[key] is not entries[key]:
                chosen = ops.reshape(drawn["chosen"], (-1, 1, 1, 1, 1))
                changed[key] = ops.where(chosen, changed[key], entries[key])
        return changed

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


def pair(value, name):
    """Returns `(low, high)` of a range given as two numbers or as its upper bound."""
    low, high = (0.0, value) if isinstance(value, (int, float)) else value
    if not low <= high:
        raise ValueError(f"`{name}` must be an ascending range. Received: {value}.")
    return float(low), float(high)
