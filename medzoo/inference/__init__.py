"""Prediction on one scan.

Imports `medzoo.preprocess`, drawing and all below; training and all above import it.
"""

from medzoo.inference.predict import predict_volume, preprocessor_of
from medzoo.inference.prediction import Prediction
from medzoo.inference.settings import Settings
from medzoo.inference.sliding_window import sliding_window

__all__ = [
    "Prediction",
    "Settings",
    "predict_volume",
    "preprocessor_of",
    "sliding_window",
]
