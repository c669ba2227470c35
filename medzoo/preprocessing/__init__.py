"""Normalisation of scans: bias field, noise, brain, registration, intensities.

Imports the zoo (the brain is found by a model) and all below it; commands import it.
"""

from medzoo.preprocessing.brain_mask import brain_mask
from medzoo.preprocessing.intensities import (
    ct_window,
    histogram_match,
    rescale,
    white_stripe,
    zscore,
)
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.deface import deface
from medzoo.spatial.n4 import bias_field, field_range, n4
from medzoo.spatial.noise import denoise, noise_level
from medzoo.spatial.registration import register
from medzoo.spatial.standard_space import StandardSpace, standard_space
from medzoo.spatial.transform import Transform
from medzoo.spatial.transform_files import read_transform, write_transform

__all__ = [
    "StandardSpace",
    "Transform",
    "apply",
    "bias_field",
    "brain_mask",
    "ct_window",
    "deface",
    "denoise",
    "field_range",
    "histogram_match",
    "n4",
    "noise_level",
    "read_transform",
    "register",
    "rescale",
    "standard_space",
    "white_stripe",
    "write_transform",
    "zscore",
]
