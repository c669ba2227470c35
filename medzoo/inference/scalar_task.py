"""What regression and classification share: one vector of numbers a scan."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.familiarity import (
    Familiarity,
    contrast_warnings,
    uncertainty_factor,
)
from medzoo.inference.postprocess import check_finite, output_of_network
from medzoo.inference.spread import SHIFTS, shifted
from medzoo.inference.task import Task


@dataclass(frozen=True)
class Output:
    """What the network gives for one scan.

    Args:
        values: `(num_classes,)` float, a value in the target's unit, or logits.
        spread: float or None, the standard deviation that was asked for.
        distances: `(contrasts,)` float64 or None, how far the contrast is from each of
            training.
    """

    values: np.ndarray
    spread: float | None = None
    distances: np.ndarray | None = None


class ScalarTask(Task):
    """A task whose result is a number or a class."""

    uncertainties = ("interval", "tta", "ensemble")

    def network(self, x):
        """Returns the `Output` for a placed Volume."""
        model = self.model
        batch = self.normalize(x.array[None])
        run = self.settings.engine_of(model)
        values = output_of_network(model, batch, self.recipe, run)
        spread = self._spread(x.array, values)
        return Output(values, spread, self._contrast_distances(batch))

    def postprocess(self, y):
        """Checks the `Output`, whose numbers lie on no grid."""
        check_finite(y.values)
        return y

    def restore(self, found, undo):
        """Makes a result, less certain the coarser the scan's voxels are."""
        widened, notes = self.familiarity(found, undo)
        return {
            **self.fields(found.values, widened),
            "uncertainty": found.spread,
            "warnings": notes,
            "familiarity": self._facts(found, undo, widened),
        }

    def fields(self, values, widened):
        """Returns the task's own fields of a `Prediction`.

        Args:
            values: `(num_classes,)` float.
            widened: float, what an interval is multiplied by, and logits are divided
                by, for a scan that is unlike those the model knows.
        """
        raise NotImplementedError

    def comparable(self, values):
        """Returns the numbers that a standard deviation is taken of."""
        return values

    def familiarity(self, found, undo):
        """Returns how much less certain a result is than at home, and why.

        Args:
            found: `Output`.
            undo: `medzoo.spatial.undo.Undo` of the scan.

        Returns:
            float, 1 or more, and a list of str, warnings.
        """
        if found.distances is None:
            return 1.0, []
        step = self.step("familiarity")
        distances = self._distances(found, undo)
        factor = uncertainty_factor(distances, step)
        return factor, contrast_warnings(distances.min(initial=np.inf), step, factor)

    def _distances(self, found, undo):
        """The distances from the contrasts of training, raised for coarse voxels."""
        spacing = np.linalg.norm(undo.source.affine[:3, :3], axis=0)
        coarsest = self.step("familiarity")["coarsest_mm"]
        return found.distances * max(max(spacing) / coarsest, 1.0)

    def _facts(self, found, undo, factor):
        """The `Familiarity` of a scan; None: not known."""
        if found.distances is None:
            return None
        step = self.step("familiarity")
        return Familiarity(
            distance=float(self._distances(found, undo).min(initial=np.inf)),
            usual=step["usual"],
            limit=step["limit"],
            factor=float(factor),
            coarsest_mm=step["coarsest_mm"],
        )

    def _contrast_distances(self, batch):
        """How far the contrast is from each of training; None: not known."""
        model = self.model
        if self.step("familiarity") is None:
            return None
        if not hasattr(model, "contrast_distances"):
            return None
        distances = model.contrast_distances(batch)
        return None if distances is None else distances[0]

    def _spread(self, array, answer):
        """The standard deviation over an ensemble's members, or over shifted scans.

        In the target's unit, or of the probability of the class that `answer`, the
        network's output for the scan as it is, makes the prediction.
        """
        kind = self.settings.uncertainty
        if kind == "ensemble":
            values = self._of_members(self.normalize(array[None]))
        elif kind == "tta":
            versions = (array, *(shifted(array, shift) for shift in SHIFTS))
            run = self.settings.engine_of(self.model)
            batches = (self.normalize(one[None]) for one in versions)
            values = [
                output_of_network(self.model, batch, self.recipe, run)
                for batch in batches
            ]
        else:
            return None
        values = np.asarray([self.comparable(one) for one in values], np.float64)
        named = int(np.argmax(self.comparable(answer)))
        return float(values.std(axis=0)[named])

    def _of_members(self, batch):
        members = getattr(self.model, "members", None)
        if members is None:
            raise InputError(
                "The spread of an ensemble needs one. Received: model="
                f"{type(self.model).__name__}. Use uncertainty='tta'."
            )
        return [
            output_of_network(one, batch, self.recipe, self.settings.engine_of(one))
            for one in members
        ]
