"""Measures of how well predictions meet the truth, each with a 95 % interval."""

from medzoo.metrics.classification import classification_metrics
from medzoo.metrics.intervals import bootstrap, wilson
from medzoo.metrics.regression import regression_metrics

__all__ = ["bootstrap", "classification_metrics", "regression_metrics", "wilson"]
