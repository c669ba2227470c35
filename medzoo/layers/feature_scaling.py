"""FeatureScaling: standardised features, and how usual they are."""

from typing import Any

import keras
import numpy as np
from keras import ops

# Below this a feature does not differ between people, and is left out.
LEAST_DEVIATION = 1e-6


@keras.saving.register_keras_serializable(package="medzoo")
class FeatureScaling(keras.layers.Layer):
    """Standardises features, each group of them to a weight of its own.

    It also keeps how the features that it was fitted to vary together, so that
    `distance` tells how far a new row lies from them: along the directions in which
    they vary most, and across those. Nothing of it is trained.

    Args:
        num_directions: int, directions that are kept. Defaults to 16.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, features)`.

    Output shape:
        As the input, float32. Before `fit` it is the input.

    Example:
        >>> layer = FeatureScaling(num_directions=4)
        >>> layer.fit(features)
        >>> layer.distance(features).mean()  # about 1

    Source:
        Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution
        Samples" (2018), on distances in features; Wang et al., "ViM" (2022), on what
        lies across the main directions.
    """

    def __init__(self, num_directions: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_directions = int(num_directions)
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]

        def constant(name, shape, initializer):
            self.add_weight(
                name=name, shape=shape, initializer=initializer, trainable=False
            )

        constant("mean", (size,), "zeros")
        constant("precision", (size,), "ones")
        constant("share", (size,), "ones")
        constant("directions", (size, self.num_directions), "zeros")
        constant("spread", (self.num_directions,), "ones")
        constant("across", (), "ones")

    def call(self, inputs: Any) -> Any:
        mean, precision, share = self.weights[:3]
        return (ops.cast(inputs, "float32") - mean) * precision * share

    def fit(self, features: Any, groups: Any = None, weights: Any = None) -> None:
        """Measures mean, deviation and directions.

        Args:
            features: `(rows, features)` float array.
            groups: list of `(count, weight)` or `(count, weight, "together")`: how many
                features in a row belong together, and the share that they have in the
                squared distance between rows. Those of a group "together", which have
                one unit, keep their deviations relative to each other; others count
                alike. None for one group of weight 1.
            weights: `(rows,)` float array, what each row counts, or None.
        """
        features = np.asarray(features, np.float64)
        shares = np.ones(len(features)) if weights is None else np.asarray(weights)
        shares = shares / shares.sum()
        mean = shares @ features
        deviation = np.sqrt(shares @ (features - mean) ** 2)
        precision = np.where(
            deviation > LEAST_DEVIATION,
            1 / np.maximum(deviation, LEAST_DEVIATION),
            0.0,
        )
        share = group_factors(features.shape[1], groups, deviation)
        scaled = (features - mean) * precision * share
        directions, spread = _directions(scaled, shares, self.num_directions)
        left = scaled - (scaled @ directions) @ directions.T
        across = max(float(shares @ (left**2).sum(1)), 1e-12)
        if not self.built:
            self(np.zeros((1, features.shape[1]), np.float32))
        values = (mean, precision, share, directions, spread, across)
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(np.asarray(value, np.float32))

    def deviations(self, features: Any) -> Any:
        """Returns how many standard deviations features are off the mean, an array."""
        mean, precision = (ops.convert_to_numpy(w) for w in self.weights[:2])
        return (np.asarray(features, np.float64) - mean) * precision

    def distance(self, features: Any) -> Any:
        """Returns how far rows lie from those of `fit`, whose mean square is 1.

        Args:
            features: `(batch, features)` float array.

        Returns:
            `(batch,)` float64 array.
        """
        share, directions, spread, across = (
            np.asarray(ops.convert_to_numpy(w), np.float64) for w in self.weights[2:]
        )
        scaled = self.deviations(features) * share
        along = scaled @ directions
        used = spread > 0
        inside = ((along[:, used] / spread[used]) ** 2).mean(1) if used.any() else 0.0
        left = (scaled**2).sum(1) - (along**2).sum(1)
        return np.sqrt((inside + np.maximum(left, 0) / across) / 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_directions": self.num_directions}


def group_factors(size, groups, deviation):
    """Returns what standardised features are multiplied by, `(size,)` float64."""
    if groups is None:
        groups = [(size, 1.0)]
    if sum(group[0] for group in groups) != size:
        raise ValueError(
            f"`groups` must hold all {size} features. Received: groups={groups}."
        )
    factors, start = [], 0
    for count, weight, *kind in groups:
        own = deviation[start : start + count] if kind else np.ones(count)
        factors.append(own * np.sqrt(weight / max((own**2).sum(), LEAST_DEVIATION**2)))
        start += count
    return np.concatenate(factors)


def _directions(scaled, shares, count):
    """The directions along which rows vary most, and how far: padded with zeros."""
    rows = scaled * np.sqrt(shares)[:, None]
    _, values, vectors = np.linalg.svd(rows, full_matrices=False)
    kept = min(count, len(values))
    directions = np.zeros((scaled.shape[1], count))
    spread = np.zeros(count)
    directions[:, :kept] = vectors[:kept].T
    spread[:kept] = values[:kept]
    directions[:, spread <= 1e-9] = 0
    return directions, np.where(spread > 1e-9, spread, 0)
