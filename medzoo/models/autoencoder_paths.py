"""Linear path and deformation of an autoencoder, in addition to its convolutions."""

from math import prod

import keras

from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.models.residual_encoder import check_counts

# Layers of the linear path, for those who set their weights in closed form.
BLOCKS = "linear_blocks"
TO_LATENT = "linear_latent"
FROM_LATENT = "linear_unflatten"
UNBLOCKS = "linear_unblocks"
MEAN = "mean"


def encode_linearly(inputs, arguments):
    """Adds a linear encoder: a projection of each block, then of all of them.

    Args:
        inputs: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        arguments: dict of the autoencoder's arguments.

    Returns:
        `KerasTensor` of shape `(batch, latent_dim)`, float32.
    """
    block = tuple(arguments["block_size"])
    x = PadToMultiple3D(block, dtype="float32", name="linear_pad")(inputs)
    x = keras.layers.Conv3D(
        arguments["linear_filters"],
        block,
        strides=block,
        use_bias=False,
        dtype="float32",
        data_format="channels_last",
        name=BLOCKS,
    )(x)
    x = keras.layers.Flatten(
        dtype="float32", data_format="channels_last", name="linear_flatten"
    )(x)
    return keras.layers.Dense(arguments["latent_dim"], dtype="float32", name=TO_LATENT)(
        x
    )


def decode_linearly(latent, arguments):
    """Adds the linear decoder, from the vector to `(batch, x, y, z, channels)`."""
    *sizes, channels = arguments["input_shape"]
    block = tuple(arguments["block_size"])
    shape = (*_blocks(sizes, block), arguments["linear_filters"])
    x = keras.layers.Dense(
        prod(shape), use_bias=False, dtype="float32", name=FROM_LATENT
    )(latent)
    x = keras.layers.Reshape(shape, dtype="float32", name="linear_reshape")(x)
    x = keras.layers.Conv3DTranspose(
        channels,
        block,
        strides=block,
        use_bias=False,
        dtype="float32",
        data_format="channels_last",
        name=UNBLOCKS,
    )(x)
    return crop_to(x, sizes, "linear_crop")


def decode_displacement(latent, arguments):
    """Adds a smooth displacement of every voxel, none at first.

    Args:
        latent: `KerasTensor` of shape `(batch, latent_dim)`.
        arguments: dict of the autoencoder's arguments: the displacement has a control
            point a block, linear between them.

    Returns:
        `KerasTensor` of shape `(batch, x, y, z, 3)`, float32, in voxels.
    """
    sizes, block = arguments["input_shape"][:3], tuple(arguments["block_size"])
    shape = (*_blocks(sizes, block), 3)
    x = keras.layers.Dense(
        prod(shape),
        use_bias=False,
        kernel_initializer="zeros",
        dtype="float32",
        name="displacement",
    )(latent)
    x = keras.layers.Reshape(shape, dtype="float32", name="displacement_reshape")(x)
    x = LinearUpsample3D(block, dtype="float32", name="displacement_up")(x)
    return crop_to(x, sizes, "displacement_crop")


def crop_to(x, sizes, name):
    """Adds a centred crop, float32, that undoes `PadToMultiple3D`."""
    surplus = [n - m for n, m in zip(x.shape[1:4], sizes, strict=True)]
    return keras.layers.Cropping3D(
        [(n // 2, n - n // 2) for n in surplus],
        dtype="float32",
        data_format="channels_last",
        name=name,
    )(x)


def added(parts):
    """Adds the sum of the paths, float32."""
    if len(parts) == 1:
        return parts[0]
    return keras.layers.Add(dtype="float32", name="add")(parts)


def check_paths(filters, linear_filters, block_size):
    """Raises ValueError for a network without a path, or an invalid block size."""
    if not filters and linear_filters is None:
        raise ValueError(
            "An autoencoder needs a convolutional or a linear path. "
            f"Received: filters={filters}, linear_filters=None. Give one of them."
        )
    if linear_filters is not None:
        check_counts(linear_filters=linear_filters)
    if len(block_size) != 3:
        raise ValueError(
            f"`block_size` must be three ints. Received: block_size={block_size}."
        )
    check_counts(**{f"block_size[{i}]": n for i, n in enumerate(block_size)})


def _blocks(sizes, block):
    return [-(-n // b) for n, b in zip(sizes, block, strict=True)]
