"""From a scan to a result."""

from medzoo.inference.predict import predict_volume, preprocessor_of
from medzoo.inference.prediction import Prediction

__all__ = ["Prediction", "predict_volume", "preprocessor_of"]
