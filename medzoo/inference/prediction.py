"""Prediction: what a model says of one scan, in the recipe's own terms."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """The result of one case. Fields that a task does not have are None.

    Args:
        task: str, the recipe's task.
        model: str, name and version of the model.
        value: float, regression: the value in `unit`.
        unit: str, regression.
        interval: `(low, high)` in `unit`, regression: holds the truth of 90 % of cases
            like those the model was measured on; None if it was never measured.
        label: str, classification: the class with the largest probability.
        probabilities: dict of class name -> float, classification.
        warnings: tuple of str, what was found doubtful in the input.
    """

    task: str
    model: str
    value: float | None = None
    unit: str | None = None
    interval: tuple | None = None
    label: str | None = None
    probabilities: dict | None = None
    warnings: tuple = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON: the fields of the task, and warnings if there are any."""
        if self.task == "regression":
            content = {"value": round(self.value, 4), "unit": self.unit}
            if self.interval is not None:
                content["interval"] = [round(end, 4) for end in self.interval]
        else:
            content = {
                "label": self.label,
                "probabilities": {
                    name: round(p, 6) for name, p in self.probabilities.items()
                },
            }
        if self.warnings:
            content["warnings"] = list(self.warnings)
        return content

    def __str__(self):
        if self.task == "regression":
            text = f"{self.value:.1f} {self.unit}"
            if self.interval is not None:
                low, high = self.interval
                text += f" (90 % interval {low:.1f} to {high:.1f})"
            return text
        return f"{self.label} ({self.probabilities[self.label]:.2f})"
