"""The tasks that can be measured."""

from medzoo.evaluation.classification import ClassificationEvaluation
from medzoo.evaluation.reconstruction import ReconstructionEvaluation
from medzoo.evaluation.regression import RegressionEvaluation
from medzoo.evaluation.segmentation import SegmentationEvaluation
from medzoo.evaluation.super_resolution import SuperResolutionEvaluation

TASKS = {
    "regression": RegressionEvaluation,
    "classification": ClassificationEvaluation,
    "segmentation": SegmentationEvaluation,
    "reconstruction": ReconstructionEvaluation,
    "super_resolution": SuperResolutionEvaluation,
}
