"""Keras layers on `(batch, x, y, z, channel)` tensors, pure `keras.ops`."""

from medzoo.layers.local_histogram import LocalHistogram
from medzoo.layers.pad_channels import PadChannels
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
    "LocalHistogram",
    "PadChannels",
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
