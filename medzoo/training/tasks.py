"""The tasks that can be trained."""

from medzoo.training.classification import ClassificationTraining
from medzoo.training.reconstruction import ReconstructionTraining
from medzoo.training.regression import RegressionTraining
from medzoo.training.segmentation import SegmentationTraining
from medzoo.training.super_resolution import SuperResolutionTraining

TASKS = {
    "regression": RegressionTraining,
    "classification": ClassificationTraining,
    "segmentation": SegmentationTraining,
    "reconstruction": ReconstructionTraining,
    "super_resolution": SuperResolutionTraining,
}
