"""What an evaluation needs of every task; each has a module of its name."""

import numpy as np

from medzoo.data.cases.cohort import group_masks
from medzoo.evaluation.truth import Truth
from medzoo.spatial import Grid, resample_to

GROUP_METRICS = ("accuracy", "mean_absolute_error", "mean_error", "interval_coverage")


class TaskEvaluation:
    """How predictions of one task are compared.

    Args:
        recipe: dict, the recipe's content.
    """

    def __init__(self, recipe):
        self.recipe = recipe

    @staticmethod
    def differences(first, second):
        """Returns how far predictions for two scans of one head differ.

        Args:
            first: `Prediction`.
            second: `Prediction`.

        Returns:
            dict of measure -> (value, unit or None).
        """
        raise NotImplementedError

    @staticmethod
    def engine_difference(found, usual):
        """Returns how far two predictions for one scan lie apart.

        Args:
            found: `Prediction`.
            usual: `Prediction`, by Keras.

        Returns:
            dict: `largest_difference`, `mean_difference` and their `unit`, or
            `other_labels`.
        """
        raise NotImplementedError

    def input_case(self, case, folder):
        """Returns a case as the model expects one, of a case as it is measured by.

        Args:
            case: `Case`.
            folder: path, for an image that has to be made.
        """
        return case

    def read_rows(self, rows):
        """Returns the `Truth` with folds of the rows of an out_of_fold.csv.

        Raises:
            KeyError, TypeError, ValueError: for rows that are not as training writes
                them.
        """
        raise ValueError("a task without cross-validation")


class NumberEvaluation(TaskEvaluation):
    """A task with a number, or a probability a class, for every case."""

    def measure(self, truth):
        """Returns the metrics of a `Truth`, name -> `{"value", "ci95", "n"}`."""
        raise NotImplementedError

    def truth(self, targets, records, columns):
        """Returns the `Truth` of cases that were predicted.

        Args:
            targets: `(cases,)` array.
            records: list of dict, the cases' records.
            columns: list of dict, what else is known of each case.
        """
        raise NotImplementedError

    def constants(self):
        """Returns dict of name -> callable from targets to a constant prediction."""
        raise NotImplementedError

    def constant(self, values):
        """Returns constants, one a case, as a network would predict them."""
        return values

    def target_groups(self, truth):
        """Returns dict of name -> mask: groups of cases by their target."""
        raise NotImplementedError

    def baselines(self, truth):
        """What one gets without a network: a constant, learned from the other folds."""
        if truth.folds is None:
            return {}
        folds = np.asarray(truth.folds)
        found = {}
        for name, constant in self.constants().items():
            values = np.array([constant(truth.target[folds != f]) for f in folds])
            constants = self.constant(values)
            found[name] = self.measure(
                Truth(truth.target, constants, people=truth.people)
            )
        return found

    def groups(self, truth):
        """Errors by source, age and sex, and by groups of the target.

        Groups by the target itself are left to the last.
        """
        own = self.recipe["target"]["column"]
        columns = [
            {name: cell for name, cell in row.items() if name != own}
            for row in truth.columns or []
        ]
        masks = group_masks(columns) if columns else {}
        groups = {}
        for name, inside in {**masks, **self.target_groups(truth)}.items():
            if inside.any():
                found = self.measure(truth.only(inside))
                kept = [key for key in GROUP_METRICS if key in found]
                groups[name] = {key: found[key] for key in kept}
        return groups


class ImageEvaluation(TaskEvaluation):
    """A task whose prediction is an image or a label map."""

    # Whether its probabilities are needed to measure it.
    needs_probabilities = False

    def measure_cases(self, predictor, cases, *, codes=None, progress=None):
        """Predicts cases and compares them with what they should be.

        Args:
            predictor: `Predictor`.
            cases: list of `Case`.
            codes: path of a table of codes instead of the recipe's, or None.
            progress: callable `(done, total)` or None.

        Returns:
            dict: `protocol`, `metrics`, `baselines`, `groups`, and perhaps `failed`.
        """
        raise NotImplementedError

    @staticmethod
    def differences(first, second):
        """See `TaskEvaluation`."""
        back = resample_to(second.image, Grid.of(first.image)).array
        array = np.asarray(first.image.array, np.float32)
        scale = float(np.percentile(array, 99)) or 1.0
        return {"image": (100 * float(np.abs(array - back).mean()) / scale, "%")}

    @staticmethod
    def engine_difference(found, usual):
        """See `TaskEvaluation`."""
        scale = float(np.ptp(usual.image.array)) or 1.0
        unit = "share of the range"
        return apart(found.image.array, usual.image.array, unit, scale)


def apart(found, usual, unit, scale=1.0):
    """Returns the largest and the mean difference of numbers over `scale`."""
    off = np.abs(np.asarray(found, np.float64) - np.asarray(usual, np.float64)) / scale
    return {
        "largest_difference": float(off.max()),
        "mean_difference": float(off.mean()),
        "unit": unit,
    }
