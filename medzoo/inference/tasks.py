"""The tasks: the only list of them on this floor."""

from medzoo.inference.classification import Classification
from medzoo.inference.reconstruction import Reconstruction
from medzoo.inference.regression import Regression
from medzoo.inference.segmentation import Segmentation
from medzoo.inference.super_resolution import SuperResolution

# Task of a recipe -> its `Task`.
TASKS = {
    "regression": Regression,
    "classification": Classification,
    "segmentation": Segmentation,
    "reconstruction": Reconstruction,
    "super_resolution": SuperResolution,
}
