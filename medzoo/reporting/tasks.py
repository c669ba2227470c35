"""The tasks that a report can show."""

from medzoo.reporting.classification import ClassificationReport
from medzoo.reporting.reconstruction import ReconstructionReport
from medzoo.reporting.regression import RegressionReport
from medzoo.reporting.segmentation import SegmentationReport
from medzoo.reporting.super_resolution import SuperResolutionReport

TASKS = {
    "regression": RegressionReport,
    "classification": ClassificationReport,
    "segmentation": SegmentationReport,
    "reconstruction": ReconstructionReport,
    "super_resolution": SuperResolutionReport,
}
