"""Geometry: Volume -> Volume, with the inverse.

Imports `medzoo.volume` and `medzoo.errors`; preprocessing and all above import it.
"""

from medzoo.spatial.atlas import Atlas, atlas, atlas_names
from medzoo.spatial.bias_field import correct_bias_field
from medzoo.spatial.chain import SpatialChain
from medzoo.spatial.crop_pad import crop_pad
from medzoo.spatial.grid import Grid
from medzoo.spatial.orient import orient
from medzoo.spatial.register import Registration, register
from medzoo.spatial.resample import resample, resample_to
from medzoo.spatial.resample_labels import resample_labels
from medzoo.spatial.undo import Undo

__all__ = [
    "Atlas",
    "Grid",
    "Registration",
    "SpatialChain",
    "Undo",
    "atlas",
    "atlas_names",
    "correct_bias_field",
    "crop_pad",
    "orient",
    "register",
    "resample",
    "resample_labels",
    "resample_to",
]
