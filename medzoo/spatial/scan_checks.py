"""What functions on scans refuse before they compute."""

from typing import Any

import numpy as np

from medzoo.errors import GeometryError, InputError
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume


def check_volume(name: str, image: Any) -> None:
    """Refuses what is no Volume, as a path or a bare array.

    Raises:
        InputError: naming the argument.
    """
    if not isinstance(image, Volume):
        raise InputError(
            f"`{name}` must be a medzoo.Volume, which knows where its voxels lie. "
            f"Received: {type(image).__name__}. Use medzoo.read(path)."
        )


def check_numbers(name: str, image: Any) -> None:
    """Refuses what is no Volume of finite numbers; channels are allowed.

    Raises:
        InputError: naming the argument.
    """
    check_volume(name, image)
    if image.array.dtype.kind == "f" and not np.isfinite(image.array).all():
        raise InputError(
            f"The voxels of `{name}` must be finite numbers. Received: some that are "
            "not. Set them to the background, as by numpy.nan_to_num."
        )


def check_image(name: str, image: Any) -> None:
    """Refuses what is no scalar image of finite numbers.

    Raises:
        InputError: naming the argument.
    """
    check_volume(name, image)
    if image.array.ndim != 3:
        raise InputError(
            f"`{name}` must have one channel, as (x, y, z). Received: "
            f"shape={image.array.shape}. Pass one of its channels."
        )
    check_numbers(name, image)


def check_mask(mask: Any, volume: Volume, name: str = "volume") -> None:
    """Refuses what marks nothing on the grid of a scan.

    Args:
        mask: Volume, above 0 what is marked.
        volume: Volume whose grid it must lie on.
        name: str, what that one is called.

    Raises:
        InputError: for what is no Volume of one channel, or marks nothing.
        GeometryError: for a mask on another grid.
    """
    check_mask_anywhere(mask)
    here, there = Grid.of(mask), Grid.of(volume)
    if here.shape != there.shape or not np.allclose(here.affine, there.affine, 0, 1e-3):
        raise GeometryError(
            f"A mask must lie on the grid of the {name}. Received: shape={mask.shape}, "
            f"not {volume.shape}, or elsewhere. Resample it first."
        )


def check_mask_anywhere(mask: Any) -> None:
    """Refuses what is no mask, wherever it lies.

    Raises:
        InputError: for what is no Volume of one channel, or marks nothing.
    """
    check_volume("mask", mask)
    if mask.array.ndim != 3 or not (mask.array > 0).any():
        raise InputError(
            "A mask must be (x, y, z) and above 0 somewhere. Received: "
            f"shape={mask.array.shape}, {int((mask.array > 0).sum())} voxels above 0. "
            "Check where it comes from."
        )
