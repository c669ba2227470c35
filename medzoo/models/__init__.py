"""Networks as Keras functional models; no files, no weights."""

from medzoo.models.ensemble import Ensemble3D
from medzoo.models.resnet import ResNet3D

__all__ = ["Ensemble3D", "ResNet3D"]
