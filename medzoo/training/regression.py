"""Training of regression: loss, readout, interval and errors."""

import keras
import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.regression import within
from medzoo.training.prediction_interval import error_bounds, errors_outside
from medzoo.training.ridge import ridge_regression
from medzoo.training.task_training import NumberTraining


class RegressionTraining(NumberTraining):
    """Trains values, see `NumberTraining`."""

    metrics = ("mae",)
    # Whatever the data, the loss is in the unit of the target.
    keeps_own_loss = True
    recalibrated = True

    def usual_loss(self):
        """See `TaskTraining`."""
        return keras.losses.MeanAbsoluteError()

    def fit_ridge(self, samples, targets, penalty, subjects, weights=None):
        """See `NumberTraining`."""
        targets = np.asarray(targets, np.float64)[:, None]
        return ridge_regression(samples, targets, penalty, weights)

    def check_people(self, count, left_out):
        """See `NumberTraining`: errors of one person are as good as a single one."""
        coverage = self._coverage()
        if errors_outside(count, coverage) < 1:
            raise RecipeError(
                f"An interval of coverage {coverage} needs the errors of more people. "
                f"Received: {count} without {left_out}. Add cases of others, or lower "
                "the coverage."
            )

    def interval(self, targets, outputs):
        """See `NumberTraining`."""
        coverage = self._coverage()
        low, high = error_bounds(targets - outputs[:, 0], coverage)
        return {"coverage": coverage, "lower": low, "upper": high}

    def columns(self):
        """See `NumberTraining`."""
        return ["target", "prediction", "low", "high"]

    def cells(self, target, output, interval=None, widening=1.0):
        """See `NumberTraining`."""
        value = float(output[0])
        ends = [value + widening * interval[end] for end in ("lower", "upper")]
        bounds = step_arguments(self.recipe, "interval") or {}
        ends = within(ends, value, bounds.get("within"))
        return [f"{float(number):.4f}" for number in (target, value, *ends)]

    def error_text(self, targets, outputs):
        """See `NumberTraining`."""
        off = np.asarray(outputs)[:, 0] - targets
        error = f"mean absolute error {np.abs(off).mean():.2f} {self.recipe['unit']}"
        return f"{error}, bias {off.mean():+.2f} on {len(off)}"

    def error(self, targets, outputs):
        """The mean absolute error, in the target's unit."""
        return float(np.abs(outputs[:, 0] - targets).mean())

    def score(self, targets, outputs, widening, interval=None):
        """The mean interval score: the width, and a penalty for what lies outside.

        Source: Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and
        Estimation" (2007), section 6.2.
        """
        low = outputs[:, 0] + widening * interval["lower"]
        high = outputs[:, 0] + widening * interval["upper"]
        outside = np.maximum(low - targets, 0) + np.maximum(targets - high, 0)
        return np.mean(high - low + 2 / (1 - interval["coverage"]) * outside)

    def _coverage(self):
        return (step_arguments(self.recipe, "interval") or {}).get("coverage", 0.9)
