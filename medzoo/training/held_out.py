"""Predictions of held-out cases."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeldOut:
    """Predictions of cases by models that were trained on others.

    Args:
        outputs: `(cases, outputs)` array.
        distances: `(cases,)` array, from what each model was trained on.
        targets: `(cases,)` array.
    """

    outputs: np.ndarray
    distances: np.ndarray
    targets: np.ndarray

    def only(self, chosen):
        """Returns some of the cases, a bool array."""
        parts = (self.outputs, self.distances, self.targets)
        return HeldOut(*(part[chosen] for part in parts))
