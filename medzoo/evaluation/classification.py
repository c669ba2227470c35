"""Metrics of classification: accuracy and calibration."""

import numpy as np

from medzoo.evaluation.task_evaluation import NumberEvaluation, apart
from medzoo.evaluation.truth import Truth
from medzoo.metrics import classification_metrics


class ClassificationEvaluation(NumberEvaluation):
    """Compares classes, see `NumberEvaluation`."""

    def measure(self, truth):
        """See `NumberEvaluation`."""
        return classification_metrics(
            truth.target, truth.prediction, people=truth.people
        )

    def truth(self, targets, records, columns):
        """See `NumberEvaluation`."""
        names = self.recipe["class_names"]
        rows = [[record["probabilities"][n] for n in names] for record in records]
        return Truth(targets, np.array(rows), columns=columns)

    def read_rows(self, rows):
        """See `TaskEvaluation`."""
        folds = [int(row["fold"]) for row in rows]
        names = self.recipe["class_names"]
        target = np.array([names.index(row["target"]) for row in rows])
        probabilities = np.array([[float(row[n]) for n in names] for row in rows])
        return Truth(target, probabilities, folds=folds, columns=rows)

    def constants(self):
        """See `NumberEvaluation`."""
        return {"majority_class": lambda targets: np.bincount(targets).argmax()}

    def constant(self, values):
        """See `NumberEvaluation`."""
        return np.eye(len(self.recipe["class_names"]))[values]

    def target_groups(self, truth):
        """The cases of each class."""
        names = self.recipe["class_names"]
        return {name: truth.target == i for i, name in enumerate(names)}

    @staticmethod
    def differences(first, second):
        """See `TaskEvaluation`."""
        off = abs(first.probabilities[first.label] - second.probabilities[first.label])
        return {
            "probability": (off, None),
            "label_changes": (float(first.label != second.label), None),
        }

    @staticmethod
    def engine_difference(found, usual):
        """See `TaskEvaluation`."""
        values = [list(p.probabilities.values()) for p in (found, usual)]
        return apart(*values, "probability")
