"""KnownContrasts: how far a scan's contrast is from the scanners of training."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.contrast_distance import ZONES, scanner_distances, zone_means

# Part of each covariance between features that is dropped: few scans estimate many.
SHRINKAGE = 0.05
# Of the mean variance, added to each: a feature may not vary at all.
RIDGE = 1e-6


@keras.saving.register_keras_serializable(package="medzoo")
class KnownContrasts(keras.layers.Layer):
    """Passes volumes on unchanged, and measures how far their contrast is from known.

    The contrast of a scan is described by the mean of every channel in a few large
    zones of the head, of local histograms for instance. Fitted to scans of several
    scanners, the layer keeps the mean of each and how scans of one scanner differ.
    The distance of another scan is that from the nearest scanner, in standard
    deviations of people of one scanner. Nothing of it is trained.

    Args:
        num_contrasts: int, the most scanners, or ways of preparing scans, that it
            keeps. Defaults to 8.
        zones: three ints, zones along each axis. Defaults to `(1, 2, 2)`: both
            hemispheres together.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`, sizes divisible by `zones`.

    Output shape:
        As the input.

    Raises:
        ValueError: for sizes that are not divisible, or more scanners than
            `num_contrasts`.

    Example:
        >>> layer = KnownContrasts()
        >>> layer.fit(layer.describe(volumes), scanners)
        >>> layer.distance(layer.describe(volumes)).mean()  # about 1

    Source:
        Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution
        Samples" (2018): the distance from the nearest class, one covariance for all.
    """

    def __init__(
        self, num_contrasts: int = 8, zones: Sequence[int] = ZONES, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_contrasts = int(num_contrasts)
        self.zones = tuple(int(n) for n in zones)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape: Any) -> None:
        *sizes, channels = input_shape[1:]
        if any(n is None or n % z for n, z in zip(sizes, self.zones, strict=True)):
            raise ValueError(
                f"`zones` must divide a fixed size. Received: zones={self.zones}, "
                f"input_shape={input_shape}."
            )
        size = channels * int(np.prod(self.zones))

        def constant(name, shape, initializer):
            self.add_weight(
                name=name, shape=shape, initializer=initializer, trainable=False
            )

        constant("means", (self.num_contrasts, size), "zeros")
        constant("whitening", (size, size), "zeros")
        # 1 for each mean that stands for a scanner.
        constant("used", (self.num_contrasts,), "zeros")

    def call(self, inputs: Any) -> Any:
        return ops.cast(inputs, self.compute_dtype)

    def describe(self, volumes: Any) -> Any:
        """Returns the means of channels in zones, `(batch, features)` float64.

        Args:
            volumes: `(batch, x, y, z, channels)` float array.
        """
        return zone_means(ops.convert_to_numpy(volumes), self.zones)

    def fit(self, features: Any, contrasts: Sequence) -> None:
        """Measures the mean of each scanner, and the covariance within scanners.

        Args:
            features: `(rows, features)` array, of `describe`.
            contrasts: sequence, the scanner of each row; all scanners count alike.
        """
        features, contrasts = np.asarray(features, np.float64), np.asarray(contrasts)
        names = list(dict.fromkeys(contrasts.tolist()))
        if len(names) > self.num_contrasts:
            raise ValueError(
                f"At most {self.num_contrasts} scanners can be kept. Received: "
                f"{len(names)}."
            )
        size = features.shape[1]
        means, covariance = np.zeros((self.num_contrasts, size)), 0.0
        for number, name in enumerate(names):
            own = features[contrasts == name]
            means[number] = own.mean(0)
            off = own - means[number]
            covariance = covariance + off.T @ off / len(own) / len(names)
        variances = np.diag(covariance)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(variances)
        shrunk = shrunk + RIDGE * max(variances.mean(), 1e-12) * np.eye(size)
        whitening = np.linalg.cholesky(np.linalg.inv(shrunk))
        used = np.arange(self.num_contrasts) < len(names)
        for weight, value in zip(self.weights, (means, whitening, used), strict=True):
            weight.assign(np.asarray(value, np.float32))

    def distances(self, features: Any) -> Any:
        """Returns the distance from each scanner, in the order of `fit`.

        Args:
            features: `(batch, features)` array, of `describe`.

        Returns:
            `(batch, scanners)` float64, the root mean square over features: about 1
            for a scan of that scanner. No scanners before `fit`.
        """
        return scanner_distances(
            features, *(ops.convert_to_numpy(weight) for weight in self.weights)
        )

    def distance(self, features: Any) -> Any:
        """Returns the distance from the nearest scanner, see `distances`.

        Returns:
            `(batch,)` float64, infinite before `fit`.
        """
        return self.distances(features).min(axis=1, initial=np.inf)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_contrasts": self.num_contrasts,
            "zones": self.zones,
        }
