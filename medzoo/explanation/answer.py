"""The one number of a prediction that is explained."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.postprocess import step_arguments

LOG_ODDS = "log-odds"


@dataclass(frozen=True)
class Answer:
    """A value in the target's unit, or the log-odds of one class.

    Log-odds add up where probabilities saturate: of a class that is certain already,
    every region would seem to matter nothing.

    Args:
        unit: str, "years", or "log-odds".
        place: int, of the class among the outputs; 0 of a value.
        name: str, the class, or None for a value.
        mirror: int or None, the axis over whose mirror image the mean is taken.
        widened: float, what logits are divided by.
    """

    unit: str
    place: int = 0
    name: str | None = None
    mirror: int | None = None
    widened: float = 1.0

    def of(self, network, x):
        """Returns the answer as a part of a Keras graph.

        Args:
            network: Keras model, `(batch, x, y, z, channels)` -> `(batch, outputs)`.
            x: `KerasTensor`.

        Returns:
            `KerasTensor` `(batch, 1)`, what `Prediction` tells.
        """
        from keras import ops

        found = network(x, training=False)
        if self.mirror is not None:
            mirrored = ops.flip(x, axis=1 + self.mirror)
            found = (found + network(mirrored, training=False)) / 2
        own = found[:, self.place : self.place + 1]
        if self.name is None:
            return own
        others = [i for i in range(found.shape[-1]) if i != self.place]
        others = ops.stack([found[:, i] for i in others], axis=-1) / self.widened
        return own / self.widened - ops.logsumexp(others, axis=-1, keepdims=True)

    def told(self, value):
        """Returns an answer as a reader knows it: a value, or a probability."""
        return value if self.name is None else 1 / (1 + np.exp(-np.float64(value)))

    @property
    def told_unit(self):
        """str, the unit of `told`."""
        return self.unit if self.name is None else "probability"


def answer_of(task, prediction, target=None, widened=1.0):
    """Returns the `Answer` of a scalar task to explain.

    Args:
        task: `medzoo.inference.scalar_task.ScalarTask`.
        prediction: `Prediction` of the scan.
        target: str or None, a class; None for the one that was predicted.
        widened: float, what logits were divided by.

    Raises:
        InputError: for a class that the model does not have.
    """
    mirror = step_arguments(task.recipe, "mirror")
    axis = None if mirror is None else mirror["axis"]
    names = task.recipe.get("class_names") or []
    if not task.gives_probabilities:
        if target is not None:
            raise InputError(
                "Only a class can be asked for. Received: "
                f"target={target!r} for {task.recipe['name']}, which gives one value. "
                "Leave it out."
            )
        return Answer(task.recipe["unit"], mirror=axis)
    target = prediction.label if target is None else target
    if target not in names:
        raise InputError(
            f"`target` must be a class of the model. Received: target={target!r}. "
            f"Use one of {list(names)}."
        )
    return Answer(LOG_ODDS, names.index(target), target, axis, widened)
