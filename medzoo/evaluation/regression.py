"""A value measured: errors in its unit, the coverage of intervals, constants."""

import numpy as np

from medzoo.evaluation.task_evaluation import NumberEvaluation, apart
from medzoo.evaluation.truth import Truth
from medzoo.metrics import regression_metrics

# Groups on the card: thirds of the cases by their target.
NUM_GROUPS = 3


class RegressionEvaluation(NumberEvaluation):
    """Compares values, see `NumberEvaluation`."""

    def measure(self, truth):
        """See `NumberEvaluation`."""
        return regression_metrics(
            truth.target,
            truth.prediction,
            truth.low,
            truth.high,
            unit=self.recipe["unit"],
            people=truth.people,
        )

    def truth(self, targets, records, columns):
        """See `NumberEvaluation`."""
        intervals = [record.get("interval") for record in records]
        known = all(interval is not None for interval in intervals)
        low, high = np.array(intervals, float).T if known else (None, None)
        value = np.array([record["value"] for record in records])
        return Truth(targets, value, low, high, columns=columns)

    def read_rows(self, rows):
        """See `TaskEvaluation`."""
        folds = [int(row["fold"]) for row in rows]
        names = ("target", "prediction", "low", "high")
        columns = [np.array([float(row[n]) for row in rows]) for n in names]
        if not all(np.isfinite(column).all() for column in columns):
            raise ValueError("numbers that are not finite")
        return Truth(*columns, folds, rows)

    def constants(self):
        """See `NumberEvaluation`."""
        return {"mean": np.mean, "median": np.median}

    def target_groups(self, truth):
        """Thirds of the cases by target, where there are enough."""
        masks = {}
        if len(truth.target) >= 10 * NUM_GROUPS:
            order = np.argsort(truth.target, kind="stable")
            extent = np.ptp(truth.target)
            digits = max(0, 1 - int(np.floor(np.log10(extent)))) if extent else 0
            for part in np.array_split(order, NUM_GROUPS):
                least, most = truth.target[part].min(), truth.target[part].max()
                inside = np.zeros(len(order), bool)
                inside[part] = True
                name = f"{least:.{digits}f} to {most:.{digits}f}"
                # Equal targets may fill more than a third.
                name = f"{name} {self.recipe['unit']}"
                name = name if name not in masks else f"{name} ({len(masks) + 1})"
                masks[name] = inside
        return masks

    @staticmethod
    def differences(first, second):
        """See `TaskEvaluation`."""
        return {"value": (abs(first.value - second.value), first.unit)}

    @staticmethod
    def engine_difference(found, usual):
        """See `TaskEvaluation`."""
        return apart(found.value, usual.value, usual.unit)
