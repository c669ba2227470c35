"""Keras layers on `(batch, x, y, z, channel)` tensors, pure `keras.ops`.

Imports `medzoo.errors` alone; networks, preprocessing and data import it.
"""

from medzoo.layers.add_volume import AddVolume
from medzoo.layers.balanced_crop_3d import BalancedCrop3D
from medzoo.layers.clip_intensity import ClipIntensity
from medzoo.layers.crop_like_3d import CropLike3D, CropToMultiple3D
from medzoo.layers.crop_or_pad_3d import CropOrPad3D
from medzoo.layers.depth_to_space_3d import DepthToSpace3D
from medzoo.layers.displace_3d import Displace3D
from medzoo.layers.histogram_standardize import HistogramStandardize
from medzoo.layers.known_contrasts import KnownContrasts
from medzoo.layers.label_to_image import LabelToImage
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.local_histogram import LocalHistogram
from medzoo.layers.mark_channels import MarkChannels
from medzoo.layers.pad_channels import PadChannels
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.layers.random_affine_3d import RandomAffine3D
from medzoo.layers.random_channel_dropout import RandomChannelDropout
from medzoo.layers.random_contrast_3d import RandomContrast3D
from medzoo.layers.random_crop_3d import RandomCrop3D
from medzoo.layers.random_elastic_transform_3d import RandomElasticTransform3D
from medzoo.layers.random_erasing_3d import RandomErasing3D
from medzoo.layers.random_flip_3d import RandomFlip3D
from medzoo.layers.random_ghosting import RandomGhosting
from medzoo.layers.random_intensity import (
    RandomBiasField,
    RandomGamma,
    RandomGaussianBlur3D,
    RandomNoise,
    RandomScaleIntensity,
)
from medzoo.layers.random_intensity_curve import RandomIntensityCurve
from medzoo.layers.random_intensity_map import RandomIntensityMap
from medzoo.layers.random_lesions import RandomLesions
from medzoo.layers.random_low_resolution import RandomLowResolution
from medzoo.layers.random_shift_intensity import RandomShiftIntensity
from medzoo.layers.random_spatial_3d import RandomSpatial3D
from medzoo.layers.random_spike import RandomSpike
from medzoo.layers.rescale_intensity import RescaleIntensity
from medzoo.layers.resizing_3d import Resizing3D
from medzoo.layers.scale_channels import ScaleChannels
from medzoo.layers.zscore import ZScore

__all__ = [
    "AddVolume",
    "BalancedCrop3D",
    "ClipIntensity",
    "CropLike3D",
    "CropOrPad3D",
    "CropToMultiple3D",
    "DepthToSpace3D",
    "Displace3D",
    "HistogramStandardize",
    "KnownContrasts",
    "LabelToImage",
    "LinearUpsample3D",
    "LocalHistogram",
    "MarkChannels",
    "PadChannels",
    "PadToMultiple3D",
    "RandomAffine3D",
    "RandomBiasField",
    "RandomChannelDropout",
    "RandomContrast3D",
    "RandomCrop3D",
    "RandomElasticTransform3D",
    "RandomErasing3D",
    "RandomFlip3D",
    "RandomGamma",
    "RandomGaussianBlur3D",
    "RandomGhosting",
    "RandomIntensityCurve",
    "RandomIntensityMap",
    "RandomLesions",
    "RandomLowResolution",
    "RandomNoise",
    "RandomScaleIntensity",
    "RandomShiftIntensity",
    "RandomSpatial3D",
    "RandomSpike",
    "RescaleIntensity",
    "Resizing3D",
    "ScaleChannels",
    "ZScore",
]
