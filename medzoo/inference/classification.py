"""Classification: the probability of each class, and the most probable one."""

import numpy as np

from medzoo.inference.postprocess import softmax
from medzoo.inference.scalar_task import ScalarTask


class Classification(ScalarTask):
    """One class per scan."""

    gives_probabilities = True

    def fields(self, values, widened):
        """Returns label and probabilities."""
        shares = softmax(np.asarray(values) / widened)
        probabilities = dict(zip(self.recipe["class_names"], shares, strict=True))
        label = max(probabilities, key=probabilities.get)
        return {"label": label, "probabilities": probabilities}

    def comparable(self, values):
        """Returns probabilities."""
        return softmax(values)
