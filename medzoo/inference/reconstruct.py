"""reconstruct: a scan through an autoencoder, back in its own space and units."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import RecipeError
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


def reconstruct(model, placed, undo, preprocessor, *, background=0.0):
    """Sends one prepared case through an autoencoder.

    Args:
        model: Keras model with `encoder` and `decoder`.
        placed: Volume `(x, y, z, channel)` on the network's grid, from
            `preprocessor.place`.
        undo: `Undo`, from the same.
        preprocessor: `Preprocessor`; its layers must be a linear map of intensities a
            channel, as `ZScore` is.
        background: float, the value where the network saw nothing.

    Returns:
        `Reconstruction`. What the network's grid does not reach is background.

    Raises:
        InputError: if the network answers with numbers that are not finite.
        RecipeError: if the preprocessing's layers cannot be undone.
    """
    scale, offset, x = normalization_of(placed.array, preprocessor)
    code = np.asarray(model.encoder.predict_on_batch(x), np.float32)
    answer = np.asarray(model.decoder.predict_on_batch(code), np.float32)[0]
    check_finite(code)
    check_finite(answer)
    image = answer * scale + offset
    if image.shape[-1] == 1:
        image = image[..., 0]
    image = undo(image, interpolation="linear", background=background)
    return Reconstruction(image, code[0])


def reconstruction_spread(model, placed, undo, preprocessor, scale=1.0):
    """Returns how far reconstructions differ when the scan is moved by one voxel.

    Args:
        model: Keras model with `encoder` and `decoder`.
        placed: Volume `(x, y, z, channel)` on the network's grid.
        undo: `Undo`, the way back to the input.
        preprocessor: `Preprocessor`, as of `reconstruct`.
        scale: float, what the spread is multiplied by to be the usual error.

    Returns:
        Volume on the input's grid: the standard deviation over the scan as it lies
        and moved each way along each axis, in the input's intensity unit.
    """
    mean = square = 0.0
    versions = ((0, 0, 0), *SHIFTS)
    for shift in versions:
        back = tuple(-step for step in shift)
        slope, offset, x = normalization_of(shifted(placed.array, shift), preprocessor)
        answer = np.asarray(model(x, training=False), np.float32)[0]
        image = shifted(answer * slope + offset, back).astype(np.float64)
        mean = mean + image / len(versions)
        square = square + np.square(image) / len(versions)
    spread = scale * np.sqrt(np.maximum(square - np.square(mean), 0.0))
    if spread.shape[-1] == 1:
        spread = spread[..., 0]
    return undo(spread.astype(np.float32), interpolation="linear")


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
