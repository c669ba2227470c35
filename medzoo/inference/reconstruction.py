"""Reconstruction: a scan through an autoencoder, and its code."""

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import check_finite
from medzoo.inference.spread import spread_scale, spread_when_shifted
from medzoo.inference.task import Task
from medzoo.spatial.background import background_level


class Reconstruction(Task):
    """An image on the grid and in the intensity unit of the scan, and the code.

    The layers of the recipe's preprocessing must be a linear map of intensities a
    channel, as `ZScore` is. What the network's grid does not reach is background.
    """

    gives_images = True

    def network(self, x):
        """Returns image, code, and standard deviation or None, on the network's grid.

        The last part is the background of each channel. Intensities are those of the
        scan already, for each version of a scan that is moved has a scale of its own.
        """
        encode = self.settings.engine_of(self.model.encoder)
        decode = self.settings.engine_of(self.model.decoder)
        scale, offset, batch = self._normalized(x.array)
        code = encode(batch)
        image = decode(code)[0] * scale + offset
        spread = None
        if self.settings.uncertainty == "tta":
            spread = self._spread(x.array)
        levels = [background_level(channel) for channel in np.moveaxis(x.array, -1, 0)]
        return image, code[0], spread, np.asarray(levels, np.float32)

    def postprocess(self, y):
        """Checks the output; drops the axis of a single channel."""
        image, code, spread, levels = y
        check_finite(code)
        check_finite(image)
        return _without_channel(image), code, _without_channel(spread), levels

    def restore(self, found, undo):
        """Brings images back linearly."""
        image, code, spread, levels = found
        if spread is not None:
            spread = undo(spread, interpolation="linear")
        return {
            "image": _brought_back(image, undo, levels),
            "embedding": code,
            "uncertainty": spread,
        }

    def _normalized(self, array):
        layers = self.preprocessor.layer_settings
        return normalization_of(array, self.normalize, layers)

    def _spread(self, array):
        """The usual error: how far reconstructions of a shifted scan differ."""
        run = self.settings.engine_of(self.model)

        def through(shifted):
            slope, offset, batch = self._normalized(shifted)
            return run(batch)[0] * slope + offset

        _, spread = spread_when_shifted(through, array)
        return (spread_scale(self.recipe) * spread).astype(np.float32)


def _brought_back(image, undo, levels):
    """An image on the grid of the scan, with its background where nothing was seen."""
    if not levels.any():
        return undo(image, interpolation="linear")
    levels = levels if image.ndim > 3 else levels[0]
    back = undo(image - levels, interpolation="linear")
    return back.with_array(back.array + levels)


def _without_channel(image):
    single = image is not None and image.shape[-1] == 1
    return image[..., 0] if single else image


def normalization_of(array, normalize, layers):
    """Finds the scale and offset that a recipe's layers took from a scan.

    Args:
        array: `(x, y, z, channel)`, a placed scan.
        normalize: callable that applies the layers, as `Preprocessor.normalize`.
        layers: list of dict, their settings, for the message.

    Returns:
        `(channel,)` float32 scale and offset, and `x` `(1, x, y, z, channel)` float32,
        so that `array` is `x * scale + offset`. A constant channel has scale 0.

    Raises:
        RecipeError: if there is no such scale and offset.
    """
    x = normalize(array[None])
    axes = (0, 1, 2)
    after, before = x[0].astype(np.float64), np.asarray(array, np.float64)
    after_mean, before_mean = after.mean(axes), before.mean(axes)
    centred = after - after_mean
    variance = np.square(centred).mean(axes)
    covariance = (centred * (before - before_mean)).mean(axes)
    scale = np.where(variance > 0, covariance / np.maximum(variance, 1e-30), 0.0)
    offset = before_mean - scale * after_mean
    error = np.abs(after * scale + offset - before).max(axes)
    extent = before.max(axes) - before.min(axes)
    if (error > 1e-3 * extent).any():
        raise RecipeError(
            "The layers of an autoencoder's preprocessing must scale and shift "
            "intensities, or a reconstruction has no unit. Received: "
            f"{layers}. Use ZScore."
        )
    return scale.astype(np.float32), offset.astype(np.float32), x
