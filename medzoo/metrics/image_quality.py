"""Image quality metrics: PSNR and 3-D SSIM."""

from typing import Any

import keras
from keras import ops

from medzoo.metrics.volume_arguments import agree, static_shape, weights_of


class ImageQuality(keras.metrics.Mean):
    """Base of metrics that are means over volumes; subclasses write `quality`.

    Args:
        data_range: float, the difference of the largest and the least intensity that
            images can have. Defaults to 1.
        name: str.
        dtype: as in `keras.metrics.Metric`.

    Input shape:
        `(batch, x, y, z, channels)`, both.
    """

    def __init__(self, data_range=1.0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype or "float32")
        if not data_range > 0:
            raise ValueError(
                f"`data_range` must be positive. Received: data_range={data_range}."
            )
        self.data_range = float(data_range)

    def quality(self, y_true, y_pred):
        """Returns one number a volume, `(batch,)`."""
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: `(batch, x, y, z, channels)`.
            y_pred: of the same shape.
            sample_weight: a number a volume, `(batch,)`, or None.
        """
        name = type(self).__name__
        shapes = static_shape(y_true), static_shape(y_pred)
        if len(shapes[0]) != 5 or not agree(*shapes):
            raise ValueError(
                f"{name} compares (batch, x, y, z, channels) of one shape. "
                f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}."
            )
        if sample_weight is not None:
            sample_weight = weights_of(sample_weight, shapes[0][:1], name)
        images = (ops.convert_to_tensor(x) for x in (y_true, y_pred))
        values = self.quality(*(ops.cast(x, "float32") for x in images))
        super().update_state(values, sample_weight)

    def get_config(self):
        return {**super().get_config(), "data_range": self.data_range}


@keras.saving.register_keras_serializable(package="medzoo")
class PSNR(ImageQuality):
    """Peak signal-to-noise ratio in decibel, the mean over volumes.

    `10 log10(data_range^2 / mean squared error)`; infinite for equal volumes.

    Args:
        data_range: float, largest possible difference of intensities. Defaults to 1.
        name: str.
        dtype: as in `keras.metrics.Metric`.
    """

    def __init__(
        self, data_range: float = 1.0, name: str = "psnr", dtype: Any = None
    ) -> None:
        super().__init__(data_range, name, dtype)

    def quality(self, y_true: Any, y_pred: Any) -> Any:
        error = ops.mean(ops.square(y_true - y_pred), (1, 2, 3, 4))
        return 10 * ops.log10(self.data_range**2 / error)


@keras.saving.register_keras_serializable(package="medzoo")
class SSIM3D(ImageQuality):
    """Structural similarity in three dimensions, the mean over volumes.

    Means, variances and covariance are taken in windows that lie wholly inside.

    Args:
        data_range: float, largest possible difference of intensities. Defaults to 1.
        window_size: int, odd, voxels along each axis. Defaults to 11.
        sigma: float, deviation of the Gaussian weights in voxels; None for equal
            weights. Defaults to 1.5.
        k1: float. Defaults to 0.01.
        k2: float. Defaults to 0.03.
        name: str.
        dtype: as in `keras.metrics.Metric`.

    Raises:
        ValueError: for a volume that is smaller than the window.

    Source:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural
        Similarity" (2004).
    """

    def __init__(
        self,
        data_range: float = 1.0,
        window_size: int = 11,
        sigma: float | None = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        name: str = "ssim_3d",
        dtype: Any = None,
    ) -> None:
        super().__init__(data_range, name, dtype)
        if (
            window_size < 1
            or window_size % 2 == 0
            or (sigma is not None and sigma <= 0)
        ):
            raise ValueError(
                "`window_size` must be odd and `sigma` positive. "
                f"Received: window_size={window_size}, sigma={sigma}."
            )
        self.window_size = window_size
        self.sigma = sigma
        self.k1 = k1
        self.k2 = k2

    def quality(self, y_true: Any, y_pred: Any) -> Any:
        if any(n is not None and n < self.window_size for n in y_true.shape[1:4]):
            raise ValueError(
                f"SSIM3D needs {self.window_size} voxels along each axis. "
                f"Received: shape={tuple(y_true.shape)}. Lower `window_size`."
            )
        c1 = (self.k1 * self.data_range) ** 2
        c2 = (self.k2 * self.data_range) ** 2
        # Variances do not depend on the level; squares about it keep their digits.
        level = ops.mean(y_true, (1, 2, 3), keepdims=True)
        y_true, y_pred = y_true - level, y_pred - level
        mean_true, mean_pred = self._window_mean(y_true), self._window_mean(y_pred)
        var_true = self._window_mean(ops.square(y_true)) - ops.square(mean_true)
        var_pred = self._window_mean(ops.square(y_pred)) - ops.square(mean_pred)
        covariance = self._window_mean(y_true * y_pred) - mean_true * mean_pred
        mean_true, mean_pred = mean_true + level, mean_pred + level
        above = (2 * mean_true * mean_pred + c1) * (2 * covariance + c2)
        below = (ops.square(mean_true) + ops.square(mean_pred) + c1) * (
            var_true + var_pred + c2
        )
        return ops.mean(above / below, (1, 2, 3, 4))

    def _window_mean(self, x):
        """Returns means in all windows, an axis after the other."""
        # Products with a matrix: JAX is slow at a convolution of one channel on a CPU.
        sizes = ops.shape(x)
        x = ops.einsum("ij,bjyzc->biyzc", self._window_matrix(sizes[1]), x)
        x = ops.einsum("ij,bxjzc->bxizc", self._window_matrix(sizes[2]), x)
        return ops.einsum("ij,bxyjc->bxyic", self._window_matrix(sizes[3]), x)

    def _window_matrix(self, size):
        """Returns the weights of each window along an axis, `(windows, size)`."""
        first = ops.arange(size - self.window_size + 1)
        offset = ops.expand_dims(ops.arange(size), 0) - ops.expand_dims(first, 1)
        inside = ops.logical_and(offset >= 0, offset < self.window_size)
        weights = ops.cast(inside, "float32")
        if self.sigma is not None:
            centred = ops.cast(offset, "float32") - (self.window_size - 1) / 2
            weights = weights * ops.exp(-0.5 * ops.square(centred / self.sigma))
        return weights / ops.sum(weights, -1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "window_size": self.window_size,
            "sigma": self.sigma,
            "k1": self.k1,
            "k2": self.k2,
        }
