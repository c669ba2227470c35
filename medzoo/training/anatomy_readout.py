"""A readout of anatomy, fitted to features in closed form."""

from dataclasses import dataclass

import numpy as np

from medzoo.layers import FeatureScaling
from medzoo.models.anatomy_readout import SCALING_NAME
from medzoo.training.held_out import HeldOut
from medzoo.training.tasks import TASKS


@dataclass(frozen=True)
class Readout:
    """A fitted readout: the scaling's numbers, and those of the dense layer.

    Args:
        scaling: `FeatureScaling`, fitted.
        kernel: `(features, outputs)` float64, for scaled features.
        constant: `(outputs,)` float64.
    """

    scaling: object
    kernel: np.ndarray
    constant: np.ndarray

    def __call__(self, features):
        """Returns `(rows, outputs)`: a value in the target's unit, or logits."""
        scaled = np.asarray(self.scaling(features), np.float64)
        return scaled @ self.kernel + self.constant

    def into(self, model):
        """Puts the readout into an `AnatomyReadout3D`."""
        arguments = model.get_config()
        scale, offset = arguments["output_scale"], arguments["output_offset"]
        model.get_layer(SCALING_NAME).set_weights(self.scaling.get_weights())
        model.get_layer(model.head_name).set_weights(
            [
                (self.kernel / scale).astype(np.float32),
                ((self.constant - offset) / scale).astype(np.float32),
            ]
        )


class ReadoutFitting:
    """Fits readouts to some of the cases, and predicts the others.

    Args:
        recipe: dict, the recipe's content.
        samples: `Samples`.
        targets: `(cases,)` array.
        weights: `(cases,)` array.
        subjects: sequence, the subject of each case.
    """

    def __init__(self, recipe, samples, targets, weights, subjects):
        self.recipe = recipe
        self.samples = samples
        self.targets = targets
        self.weights = weights
        self.subjects = np.asarray(subjects)
        arguments = recipe["architecture"]["arguments"]
        self.directions = arguments.get("num_directions", 16)
        settings = dict(recipe["training"].get("readout") or {})
        self.penalty = settings.get("penalty", 0.1)
        features = arguments["features"]
        regions = len(features["regions"]) + bool(features.get("size"))
        maps = samples.plain.shape[1] - regions
        share = settings.get("volumes", 0.5) if maps else 1.0
        self.groups = [(regions, share), (maps, 1.0 - share, "together")]

    def __call__(self, chosen):
        """Fits a `Readout` to the chosen cases, a `(cases,)` bool array."""
        rows = chosen[self.samples.cases]
        cases = self.samples.cases[rows]
        weights = self.samples.shares[rows] * self.weights[cases]
        scaling = FeatureScaling(self.directions)
        scaling.fit(self.samples.features[rows], self.groups, weights)
        scaled = np.asarray(scaling(self.samples.features[rows]))
        task = TASKS[self.recipe["task"]](self.recipe)
        found = task.fit_ridge(
            scaled, self.targets[cases], self.penalty, self.subjects[cases], weights
        )
        return Readout(scaling, *found)

    def left_out(self, groups):
        """Predicts every group of cases by a readout that never saw it.

        Returns:
            `HeldOut`.
        """
        groups = np.asarray(groups)
        outputs, distances = [None] * len(groups), np.zeros(len(groups))
        for group in dict.fromkeys(groups.tolist()):
            inside = groups == group
            readout = self(~inside)
            plain = self.samples.plain[inside]
            distances[inside] = readout.scaling.distance(plain)
            for place, output in zip(
                np.flatnonzero(inside), readout(plain), strict=True
            ):
                outputs[place] = output
        return HeldOut(np.array(outputs), distances, self.targets)
