"""Keras layers on `(batch, x, y, z, channel)` tensors, pure `keras.ops`."""

from medzoo.layers.crop_like_3d import CropLike3D, CropToMultiple3D
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.local_histogram import LocalHistogram
from medzoo.layers.pad_channels import PadChannels
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.layers.random_affine_3d import RandomAffine3D
from medzoo.layers.random_flip_3d import RandomFlip3D
from medzoo.layers.random_intensity import (
    RandomBiasField,
    RandomBlur,
    RandomGamma,
    RandomNoise,
    RandomScaleIntensity,
)
from medzoo.layers.random_intensity_curve import RandomIntensityCurve
from medzoo.layers.rescale_intensity import RescaleIntensity
from medzoo.layers.zscore import ZScore

__all__ = [
    "CropLike3D",
    "CropToMultiple3D",
    "LinearUpsample3D",
    "LocalHistogram",
    "PadChannels",
    "PadToMultiple3D",
    "RandomAffine3D",
    "RandomBiasField",
    "RandomBlur",
    "RandomFlip3D",
    "RandomGamma",
    "RandomIntensityCurve",
    "RandomNoise",
    "RandomScaleIntensity",
    "RescaleIntensity",
    "ZScore",
]
