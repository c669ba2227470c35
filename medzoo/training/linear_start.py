"""An autoencoder's linear path, in closed form: principal components of its data."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import InputError, RecipeError
from medzoo.models import autoencoder_paths as paths

# Voxels of all samples that are in float32 at a time.
CHUNK = 2**22
# Numbers of a block of voxels are of the size of a voxel's: steps of the optimizer
# suit both then.
BLOCK_GAIN = 1 / 8


@dataclass(frozen=True)
class Components:
    """The directions in which samples vary most.

    Args:
        mean: `(voxels,)` float32.
        vectors: `(voxels, components)` float32, orthonormal, the largest first.
        deviations: `(components,)` float64, of the samples along each.
    """

    mean: np.ndarray
    vectors: np.ndarray
    deviations: np.ndarray

    def reconstruct(self, samples):
        """Returns `(samples, voxels)` as far as the components reach."""
        codes = (samples - self.mean) @ self.vectors
        return self.mean + codes @ self.vectors.T


def principal_components(samples, count):
    """Returns the `Components` of samples with many more voxels than samples.

    Args:
        samples: `(samples, voxels)` float16 or float32 array.
        count: int, components at most; fewer where the samples span fewer.

    Raises:
        InputError: for fewer than two samples.

    Source:
        Turk and Pentland, "Eigenfaces for Recognition" (1991): by way of the products
        of the samples.
    """
    number = len(samples)
    if number < 2:
        raise InputError(
            f"Components need at least two samples. Received: {number}. Add cases."
        )
    mean = samples.mean(0, dtype=np.float32)
    products = np.zeros((number, number))
    step = max(1, CHUNK // number)
    parts = [slice(i, i + step) for i in range(0, samples.shape[1], step)]
    for part in parts:
        centred = samples[:, part].astype(np.float32) - mean[part]
        products += centred @ centred.T
    values, directions = np.linalg.eigh(products)
    # The mean was taken away, so at least one direction is empty.
    kept = [i for i in range(number - 1, 0, -1) if values[i] > 1e-9 * values[-1]]
    kept = kept[:count]
    directions = (directions[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    vectors = np.empty((samples.shape[1], len(kept)), np.float32)
    for part in parts:
        vectors[part] = (
            samples[:, part].astype(np.float32) - mean[part]
        ).T @ directions
    return Components(mean, vectors, np.sqrt(values[kept] / number))


def start_linearly(model, samples):
    """Gives an autoencoder the weights that reconstruct as principal components do.

    The numbers that the linear path makes of a block are those that hold the most of
    the samples' principal components; the path becomes the projection on the principal
    components of these numbers. Convolutions add nothing at first and learn what the
    linear path cannot do. One factor scales all codes: their mean variance is 1.

    Args:
        model: `ConvolutionalAutoencoder3D` with a linear path.
        samples: `(samples, x, y, z, channels)` array, what the network is to see.

    Raises:
        RecipeError: if the network has no linear path.
    """
    arguments = model.get_config()
    if arguments["linear_filters"] is None:
        raise RecipeError(
            "A linear start needs a linear path. Received: linear_filters=None. "
            "Give it in the recipe's architecture."
        )
    shape, block = arguments["input_shape"], arguments["block_size"]
    flat = samples.reshape(len(samples), -1)
    found = principal_components(flat, arguments["latent_dim"])
    volumes = (found.vectors * found.deviations.astype(np.float32)).T
    as_blocks = blocks_of(volumes.reshape(-1, *shape), block)
    basis = _common_basis(as_blocks, arguments["linear_filters"])
    numbers = _in_basis(samples, block, basis)
    best = principal_components(numbers, arguments["latent_dim"])
    _set_path(model, basis, best)
    model.decoder.get_layer(paths.MEAN).set_weights([found.mean.reshape(shape)])
    for part, name in ((model.encoder, "latent"), (model.decoder, model.head_name)):
        if name in [layer.name for layer in part.layers if layer.weights]:
            layer = part.get_layer(name)
            layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])


def blocks_of(volumes, block):
    """Cuts volumes into blocks, padded with zeros about the centre.

    Args:
        volumes: `(count, x, y, z, channels)` array.
        block: three ints.

    Returns:
        `(count, blocks, voxels of a block times channels)`.
    """
    count, *sizes, channels = volumes.shape
    missing = [-n % b for n, b in zip(sizes, block, strict=True)]
    around = [(0, 0), *[(m // 2, m - m // 2) for m in missing], (0, 0)]
    volumes = np.pad(volumes, around)
    split = [
        n
        for size, b in zip(volumes.shape[1:4], block, strict=True)
        for n in (size // b, b)
    ]
    cut = volumes.reshape(count, *split, channels).transpose(0, 1, 3, 5, 2, 4, 6, 7)
    return cut.reshape(count, split[0] * split[2] * split[4], -1)


def _common_basis(as_blocks, count):
    """`(voxels of a block, count)` orthonormal, best for the blocks of all volumes."""
    flat = as_blocks.reshape(-1, as_blocks.shape[-1])
    _, vectors = np.linalg.eigh((flat.T @ flat).astype(np.float64))
    basis = np.zeros((flat.shape[1], count), np.float32)
    kept = vectors[:, ::-1][:, :count]
    basis[:, : kept.shape[1]] = kept
    return basis


def _in_basis(samples, block, basis):
    """The numbers that stand for the blocks of samples, `(samples, numbers)`."""
    parts = [
        blocks_of(samples[i : i + 16].astype(np.float32), block) @ basis
        for i in range(0, len(samples), 16)
    ]
    return np.concatenate(parts).reshape(len(samples), -1)


def _set_path(model, basis, found):
    encoder, decoder = model.encoder, model.decoder
    kernel = encoder.get_layer(paths.BLOCKS).get_weights()[0]
    kernel = basis.reshape(kernel.shape)
    # Fewer components than numbers in the code: the rest of the code stays 0.
    rows = np.zeros((model.get_config()["latent_dim"], len(found.mean)), np.float32)
    rows[: found.vectors.shape[1]] = found.vectors.T
    scale = float(np.sqrt(np.mean(found.deviations**2))) or 1.0
    encoder.get_layer(paths.BLOCKS).set_weights([kernel * BLOCK_GAIN])
    encoder.get_layer(paths.TO_LATENT).set_weights(
        [rows.T / (BLOCK_GAIN * scale), -(rows @ found.mean) / scale]
    )
    decoder.get_layer(paths.FROM_LATENT).set_weights([rows * scale * BLOCK_GAIN])
    # A transposed convolution's kernel ends in (output, input) channels.
    decoder.get_layer(paths.UNBLOCKS).set_weights([kernel / BLOCK_GAIN])
