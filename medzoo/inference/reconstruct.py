"""reconstruct: a scan through an autoencoder, back in its own space and units."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.engine import engine_of
from medzoo.inference.postprocess import check_finite
from medzoo.inference.spread import SHIFTS, shifted
from medzoo.volume import Volume


@dataclass(frozen=True)
class Reconstruction:
    """What an autoencoder makes of one case.

    Args:
        image: Volume on the input's grid and in its intensity unit, float32; with a
            channel axis where there is more than one channel.
        embedding: `(latent_dim,)` float32, the code.
    """

    image: Volume
    embedding: np.ndarray


def reconstruct(
    model, placed, undo, preprocessor, *, background=0.0, engine_for=engine_of
):
    """Sends one prepared case through an autoencoder.

    Args:
        model: Keras model with `encoder` and `decoder`.
        placed: Volume `(x, y, z, channel)` on the network's grid, from
            `preprocessor.place`.
        undo: `Undo`, from the same.
        preprocessor: `Preprocessor`; its layers must be a linear map of intensities a
            channel, as `ZScore` is.
        background: float, the value where the network saw nothing.
        engine_for: callable from a network to what runs it, see `engine_of`.

    Returns:
        `Reconstruction`. What the network's grid does not reach is background.

    Raises:
        InputError: if the network answers with numbers that are not finite.
        RecipeError: if the preprocessing's layers cannot be undone.
    """
    scale, offset, x = normalization_of(placed.array, preprocessor)
    code = engine_for(model.encoder)(x)
    answer = engine_for(model.decoder)(code)[0]
    check_finite(code)
    check_finite(answer)
    image = answer * scale + offset
    if image.shape[-1] == 1:
        image = image[..., 0]
    image = undo(image, interpolation="linear", background=background)
    return Reconstruction(image, code[0])


def reconstruction_spread(
    model, placed, undo, preprocessor, scale=1.0, engine_for=engine_of
):
    """Returns how far reconstructions differ when the scan is moved by one voxel.

    Args:
        model: Keras model with `encoder` and `decoder`.
        placed: Volume `(x, y, z, channel)` on the network's grid.
        undo: `Undo`, the way back to the input.
        preprocessor: `Preprocessor`, as of `reconstruct`.
        scale: float, what the spread is multiplied by to be the usual error.
        engine_for: callable from a network to what runs it, see `engine_of`.

    Returns:
        Volume on the input's grid: the standard deviation over the scan as it lies
        and moved each way along each axis, in the input's intensity unit.
    """
    ask = engine_for(model)

    def through(array):
        slope, offset, x = normalization_of(array, preprocessor)
        return ask(x)[0] * slope + offset

    _, spread = answers_when_moved(through, placed.array)
    if spread.shape[-1] == 1:
        spread = spread[..., 0]
    spread = (scale * spread).astype(np.float32)
    return undo(spread, interpolation="linear")


def answers_when_moved(function, array):
    """Asks for an image as it lies and moved by one voxel each way along each axis.

    Args:
        function: callable, `(x, y, z, channel)` array -> array of the same shape.
        array: `(x, y, z, channel)`.

    Returns:
        the answer for the image as it lies, and the standard deviation over all
        answers, moved back; both of the shape of `array`.
    """
    plain = np.asarray(function(array), np.float64)
    mean, square, count = plain, np.square(plain), 1 + len(SHIFTS)
    for shift in SHIFTS:
        found = np.asarray(function(shifted(array, shift)), np.float64)
        found = shifted(found, tuple(-step for step in shift))
        mean, square = mean + found, square + np.square(found)
    variance = square / count - np.square(mean / count)
    return plain, np.sqrt(np.maximum(variance, 0.0))


def normalization_of(array, preprocessor):
    """Finds the scale and offset that a preprocessor's layers took from a scan.

    Args:
        array: `(x, y, z, channel)`, a placed scan.
        preprocessor: `Preprocessor`.

    Returns:
        `(channel,)` float32 scale and offset, and `x` `(1, x, y, z, channel)` float32,
        so that `array` is `x * scale + offset`. A constant channel has scale 0.

    Raises:
        RecipeError: if there is no such scale and offset.
    """
    x = preprocessor.normalize(array[None])
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
            f"{preprocessor.layer_settings}. Use ZScore."
        )
    return scale.astype(np.float32), offset.astype(np.float32), x
