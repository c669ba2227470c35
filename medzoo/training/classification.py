"""Training of classification: loss, readout and errors."""

import keras
import numpy as np
from scipy.special import log_softmax

from medzoo.inference.postprocess import softmax
from medzoo.training.ridge import ridge_classification
from medzoo.training.task_training import NumberTraining


class ClassificationTraining(NumberTraining):
    """Trains classes, see `NumberTraining`."""

    metrics = ("accuracy",)

    def usual_loss(self):
        """See `TaskTraining`."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def fit_ridge(self, samples, targets, penalty, subjects, weights=None):
        """See `NumberTraining`."""
        classes = np.eye(len(self.recipe["class_names"]))
        classes = classes[np.asarray(targets).astype(int)]
        return ridge_classification(samples, classes, penalty, subjects, weights)

    def columns(self):
        """See `NumberTraining`."""
        return ["target", *self.recipe["class_names"]]

    def cells(self, target, output, interval=None, widening=1.0):
        """See `NumberTraining`."""
        probabilities = softmax(output / widening)
        name = self.recipe["class_names"][int(target)]
        return [name, *(f"{p:.6f}" for p in probabilities)]

    def error_text(self, targets, outputs):
        """See `NumberTraining`."""
        hits = np.argmax(outputs, axis=1) == targets
        return f"accuracy {hits.mean():.3f} on {len(hits)}"

    def error(self, targets, outputs):
        """The mean negative log-likelihood of the true classes."""
        return float(self.score(targets, outputs, np.ones(len(targets))))

    def score(self, targets, outputs, widening, interval=None):
        """The mean negative log-likelihood of the true classes."""
        logs = log_softmax(outputs / widening[:, None], axis=1)
        return -np.mean(logs[np.arange(len(logs)), targets.astype(int)])
