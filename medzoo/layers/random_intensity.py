"""Random changes of intensity: scale, gamma, bias field, noise, blur; images alone."""

import keras
import numpy as np
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer, pair


@keras.saving.register_keras_serializable(package="medzoo")
class RandomScaleIntensity(RandomVolumeLayer):
    """Multiplies intensities by one factor, as a misjudged white matter does.

    Args:
        factor: float, the natural logarithm of what intensities are multiplied by is
            drawn from [-factor, factor]. Defaults to 0.1.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, factor=0.1, rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.factor = factor

    def draw(self, data, seed):
        return {"factor": _log_uniform(data, self.factor, seed)}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        return images * transformation["factor"]

    def get_config(self):
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

    def __init__(self, log_gamma=0.3, rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.log_gamma = log_gamma

    def draw(self, data, seed):
        return {"gamma": _log_uniform(data, self.log_gamma, seed)}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        low = ops.min(images, (1, 2, 3), keepdims=True)
        span = ops.max(images, (1, 2, 3), keepdims=True) - low
        span = ops.where(span > 0, span, 1.0)
        return low + span * ops.power((images - low) / span, transformation["gamma"])

    def get_config(self):
        return {**super().get_config(), "log_gamma": self.log_gamma}


@keras.saving.register_keras_serializable(package="medzoo")
class RandomBiasField(RandomVolumeLayer):
    """Multiplies by a smooth random field, as an uneven coil sensitivity does.

    Args:
        deviation: float, standard deviation of the logarithm of the field at its
            control points. Defaults to 0.1.
        control_points: int, along each axis; linear between them. Defaults to 4.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, deviation=0.1, control_points=4, rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.deviation = deviation
        self.control_points = control_points

    def draw(self, data, seed):
        count = ops.shape(data[IMAGES])[0]
        shape = (count, *[self.control_points] * 3)
        return {"field": self.deviation * keras.random.normal(shape, seed=seed)}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        field = transformation["field"]
        for axis, size in enumerate(images.shape[1:4]):
            weights = _hat_functions(size, self.control_points)
            # (batch, ..., points, ...) -> (batch, ..., voxels, ...)
            field = ops.moveaxis(field, axis + 1, -1) @ weights.T
            field = ops.moveaxis(field, -1, axis + 1)
        return images * ops.exp(field)[..., None]

    def get_config(self):
        return {
            **super().get_config(),
            "deviation": self.deviation,
            "control_points": self.control_points,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class RandomNoise(RandomVolumeLayer):
    """Adds Gaussian noise, or the Rician noise of magnitude images.

    Args:
        deviation: float or two floats, range of the standard deviation, as a share
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
        deviation=(0.0, 0.04),
        foreground=True,
        rate=1.0,
        seed=None,
        kind="gaussian",
        **kwargs,
    ):
        super().__init__(rate=rate, seed=seed, **kwargs)
        if kind not in ("gaussian", "rician"):
            raise ValueError(
                f'`kind` must be "gaussian" or "rician". Received: kind={kind!r}.'
            )
        self.kind = kind
        self.deviation = pair(deviation, "deviation")
        self.foreground = foreground

    def draw(self, data, seed):
        images = data[IMAGES]
        shape = (ops.shape(images)[0], 1, 1, 1, 1)
        sigma = keras.random.uniform(shape, *self.deviation, seed=seed)
        noise = keras.random.normal(ops.shape(images), seed=seed)
        drawn = {"noise": sigma * noise}
        if self.kind == "rician":
            noise = keras.random.normal(ops.shape(images), seed=seed)
            drawn["imaginary_noise"] = sigma * noise
        return drawn

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        largest = ops.max(ops.abs(images), (1, 2, 3), keepdims=True)
        noisy = images + largest * transformation["noise"]
        if self.kind == "rician":
            imaginary = largest * transformation["imaginary_noise"]
            magnitude = ops.sqrt(ops.square(noisy) + ops.square(imaginary))
            noisy = ops.where(images < 0, -magnitude, magnitude)
        return ops.where(images != 0, noisy, images) if self.foreground else noisy

    def get_config(self):
        return {
            **super().get_config(),
            "deviation": self.deviation,
            "foreground": self.foreground,
            "kind": self.kind,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class RandomBlur(RandomVolumeLayer):
    """Blurs with a Gaussian, one width for all axes.

    Args:
        sigma: float or two floats, range of the standard deviation in voxels.
        rate: float, share of volumes transformed.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, sigma=(0.0, 0.8), rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.sigma = pair(sigma, "sigma")

    def draw(self, data, seed):
        count = ops.shape(data[IMAGES])[0]
        return {"sigma": keras.random.uniform((count, 1), *self.sigma, seed=seed)}

    def transform_images(self, images, transformation, training=True):
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

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}


def _log_uniform(data, bound, seed):
    """One factor a volume, its logarithm drawn from [-bound, bound]."""
    shape = (ops.shape(data[IMAGES])[0], 1, 1, 1, 1)
    return ops.exp(keras.random.uniform(shape, -bound, bound, seed=seed))


def _hat_functions(size, points):
    """Linear interpolation from control points to voxels: `(size, points)`."""
    position = np.linspace(0, points - 1, size)
    distance = np.abs(position[:, None] - np.arange(points)[None])
    return np.maximum(0, 1 - distance).astype(np.float32)


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
