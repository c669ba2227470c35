"""Explanation: what `medzoo.explain` gives."""

from dataclasses import dataclass
from typing import Any

from medzoo.spatial.doubt import warning_record
from medzoo.volume import Volume

MOST_LINES = 12


@dataclass(frozen=True)
class Explanation:
    """What in a scan a prediction depends on, against a baseline.

    Attributes:
        prediction: `Prediction` of the scan.
        unit: str, of `answer`, "years" or "log-odds".
        told_unit: str, of `value`: "probability" where `unit` is "log-odds".
        target: str, the class that is explained; None for a value.
        value: float, in `told_unit`.
        baseline_value: float, what the model gives for the baseline, in `told_unit`.
        answer: float, in `unit`; what adds up.
        baseline_answer: float, in `unit`.
        gap: float, what the attributions lack of `answer - baseline_answer`, in `unit`.
        map: Volume float32 on the scan's own grid, `unit` per millilitre: its integral
            is the sum of the attributions of what the network saw of the scan.
        integral: float, of `map`, in `unit`.
        regions: tuple of `RegionEffect`, the largest effect first.
        region_source: str, where the regions come from.
        baseline: str, what the scan is compared with.
        random_weights: dict of "signed" and "absolute" -> float, rank correlation of
            the attributions with those of shuffled weights, or None. Near 0 the map
            shows what was learned; near 1 it shows the scan alone.
        steps: int, points of the quadrature.
        warnings: tuple of str, those of the prediction first; `kind_of` says of each
            whether it is about the scan, "regions" or the "map".
    """

    prediction: Any
    unit: str
    told_unit: str
    target: str | None
    value: float
    baseline_value: float
    answer: float
    baseline_answer: float
    gap: float
    map: Volume
    integral: float
    regions: tuple
    region_source: str
    baseline: str
    random_weights: dict | None
    steps: int
    warnings: tuple = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON: all but the map."""
        return {
            "model": self.prediction.model,
            "target": self.target,
            "value": round(self.value, 4),
            "baseline_value": round(self.baseline_value, 4),
            "value_unit": self.told_unit,
            "answer": round(self.answer, 4),
            "baseline_answer": round(self.baseline_answer, 4),
            "unit": self.unit,
            "gap": round(self.gap, 4),
            "integral": round(self.integral, 4),
            "map_unit": f"{self.unit} per ml",
            "baseline": self.baseline,
            "regions_from": self.region_source,
            "steps": self.steps,
            "random_weights": _rounded(self.random_weights),
            "regions": [effect.to_dict() for effect in self.regions],
        } | warning_record(self.warnings)

    def lines(self) -> list[str]:
        """Returns the answer and the regions that change it most, for a terminal."""
        unit = self.unit if self.target is None else f"{self.unit} of {self.target}"
        shown = self.regions[:MOST_LINES]
        lines = [
            f"{self}.",
            f"Replaced by {self.baseline}, a region changes {unit} by:",
        ]
        width = max((len(effect.name) for effect in shown), default=0)
        lines += [f"  {own.name:<{width}}  {-own.effect:+7.2f}" for own in shown]
        more = len(self.regions) - len(shown)
        return lines + ([f"  and {more} more regions"] if more else [])

    def table(self) -> str:
        """Returns the regions as CSV, a line each, the largest effect first."""
        from medzoo.explanation.files import regions_csv

        return regions_csv(self)

    def write(self, folder: Any, *, scan: Volume | None = None) -> list:
        """Writes map.nii.gz, regions.csv, explanation.json and map.png into a folder.

        Args:
            folder: path, made if it is not there.
            scan: Volume to draw the map on; without it there is no picture.

        Returns:
            list of pathlib.Path, what was written.
        """
        from medzoo.explanation.files import write_explanation

        return write_explanation(self, folder, scan)

    def __str__(self):
        what = self.told_unit if self.target is None else f"{self.told_unit} of"
        whom = "" if self.target is None else f" {self.target}"
        digits = 1 if self.target is None else 2
        return (
            f"{self.value:.{digits}f} {what}{whom}; {self.baseline_value:.{digits}f} "
            f"for {self.baseline}"
        )


def _rounded(numbers):
    return numbers and {name: round(value, 3) for name, value in numbers.items()}
