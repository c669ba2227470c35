"""Random changes of intensity: scale, gamma, bias field, noise, blur; images alone."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.axis_matrix import apply_along_axis, hat_matrix
from medzoo.layers.ranges import factor_range
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer, pair


@keras.saving.register_keras_serializable(package="medzoo")
class RandomScaleIntensity(RandomVolumeLayer):
    """Multiplies intensities by one factor, simulating a wrong white-matter scaling.

    Args:
        factor: float, or two floats `(lower, upper)`: intensities are multiplied by a
            number from 1 - lower to 1 + upper. Defaults to 0.1 (0.9 to 1.1).
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 0.1,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self._range = factor_range(factor, "factor")
        self.factor = factor

    def draw(self, data: Any, seed: Any) -> Any:
        shape = (ops.shape(data[IMAGES])[0], 1, 1, 1, 1)
        return {"factor": keras.random.uniform(shape, *self._range, seed=seed)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        return images * transformation["factor"]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="medzoo")
class RandomGamma(RandomVolumeLayer):
    """Raises intensities, scaled to [0, 1] by the volume's extremes, to a power.

    Args:
        log_gamma: float, the natural logarithm of the power is drawn from
            [-log_gamma, log_gamma]. Defaults to 0.3.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        log_gamma: float = 0.3,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.log_gamma = log_gamma

    def draw(self, data: Any, seed: Any) -> Any:
        shape = (ops.shape(data[IMAGES])[0], 1, 1, 1, 1)
        bound = self.log_gamma
        return {"gamma": ops.exp(keras.random.uniform(shape, -bound, bound, seed=seed))}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        low = ops.min(images, (1, 2, 3), keepdims=True)
        span = ops.max(images, (1, 2, 3), keepdims=True) - low
        span = ops.where(span > 0, span, 1.0)
        return low + span * ops.power((images - low) / span, transformation["gamma"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "log_gamma": self.log_gamma}


@keras.saving.register_keras_serializable(package="medzoo")
class RandomBiasField(RandomVolumeLayer):
    """Multiplies by a smooth random field, as an uneven coil sensitivity does.

    Args:
        stddev: float, standard deviation of the logarithm of the field at its
            control points. Defaults to 0.1.
        control_points: int, along each axis; linear between them. Defaults to 4.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        stddev: float = 0.1,
        control_points: int = 4,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.stddev = stddev
        self.control_points = control_points

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        shape = (count, *[self.control_points] * 3, 1)
        return {"field": self.stddev * keras.random.normal(shape, seed=seed)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        field = ops.convert_to_tensor(transformation["field"])
        for axis, size in enumerate(ops.shape(images)[1:4]):
            field = apply_along_axis(field, hat_matrix(size, self.control_points), axis)
        return images * ops.exp(field)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "control_points": self.control_points,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class RandomNoise(RandomVolumeLayer):
    """Adds Gaussian noise, or the Rician noise of magnitude images.

    Args:
        stddev: float or two floats, range of the standard deviation, as a share
            of the volume's largest absolute intensity. Defaults to (0, 0.04).
        foreground: bool, whether voxels that are exactly 0 stay 0. Defaults to True.
        rate: float, share of volumes transformed.
        seed: int or None.
        kind: str, "gaussian" (the default), or "rician": the magnitude of a complex
            number whose real part is the image and both of whose parts have Gaussian
            noise. Intensities should not be negative then; the sign is kept.
        **kwargs: of `keras.layers.Layer`.

    Source:
        Gudbjartsson, Patz, "The Rician distribution of noisy MRI data", Magnetic
        Resonance in Medicine 34 (1995).
    """

    def __init__(
        self,
        stddev: float | Sequence[float] = (0.0, 0.04),
        foreground: bool = True,
        rate: float = 1.0,
        seed: int | None = None,
        kind: str = "gaussian",
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if kind not in ("gaussian", "rician"):
            raise ValueError(
                f'`kind` must be "gaussian" or "rician". Received: kind={kind!r}.'
            )
        self.kind = kind
        self.stddev = pair(stddev, "stddev")
        self.foreground = foreground

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        shape = (ops.shape(images)[0], 1, 1, 1, 1)
        sigma = keras.random.uniform(shape, *self.stddev, seed=seed)
        noise = keras.random.normal(ops.shape(images), seed=seed)
        drawn = {"noise": sigma * noise}
        if self.kind == "rician":
            noise = keras.random.normal(ops.shape(images), seed=seed)
            drawn["imaginary_noise"] = sigma * noise
        return drawn

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        largest = ops.max(ops.abs(images), (1, 2, 3), keepdims=True)
        noisy = images + largest * transformation["noise"]
        if self.kind == "rician":
            imaginary = largest * transformation["imaginary_noise"]
            magnitude = ops.sqrt(ops.square(noisy) + ops.square(imaginary))
            noisy = ops.where(images < 0, -magnitude, magnitude)
        return ops.where(images != 0, noisy, images) if self.foreground else noisy

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "foreground": self.foreground,
            "kind": self.kind,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class RandomGaussianBlur3D(RandomVolumeLayer):
    """Blurs with a Gaussian, one width for all axes.

    Args:
        sigma: float or two floats, range of the standard deviation in voxels.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        sigma: float | Sequence[float] = (0.0, 0.8),
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.sigma = pair(sigma, "sigma")

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        return {"sigma": keras.random.uniform((count, 1), *self.sigma, seed=seed)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        radius = int(np.ceil(3 * self.sigma[1])) if self.sigma[1] else 0
        offsets = np.arange(-radius, radius + 1, dtype=np.float32)
        sigma = ops.maximum(transformation["sigma"], 1e-3)
        kernel = ops.exp(-0.5 * ops.square(offsets[None] / sigma))
        kernel = kernel / ops.sum(kernel, 1, keepdims=True)
        for axis in (1, 2, 3):
            images = _convolve_axis(images, kernel, axis, radius)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sigma": self.sigma}


def _convolve_axis(images, kernel, axis, radius):
    """Convolves along one axis, the border value repeated outside."""
    size = ops.shape(images)[axis]
    index = ops.arange(size + 2 * radius, dtype="int32") - radius
    index = ops.clip(index, 0, size - 1)
    padded = ops.take(images, index, axis)
    total = 0.0
    for step in range(2 * radius + 1):
        part = [slice(None)] * 5
        part[axis] = slice(step, step + size)
        total = total + padded[tuple(part)] * kernel[:, step][:, None, None, None, None]
    return total
