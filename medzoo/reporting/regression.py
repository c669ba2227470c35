"""A value in a report: the number, its interval, and where it lies among others."""

import numpy as np

from medzoo.inference.postprocess import coverage_of
from medzoo.reporting.charts import value_chart
from medzoo.reporting.markup import element
from medzoo.reporting.task_report import Cell, Quantity, TaskReport, headline


class RegressionReport(TaskReport):
    """Shows values, see `TaskReport`."""

    shows_population = True

    def heads(self):
        """See `TaskReport`."""
        return [f"Value ({self.recipe['unit']})", self._interval()]

    def cells(self, found):
        """See `TaskReport`."""
        cells = [Cell(f"Value ({found.unit})", f"{found.value:.1f}", found.value)]
        if found.interval is not None:
            low, high = found.interval
            cells.append(Cell(self._interval(), f"{low:.1f} to {high:.1f}", low))
        return cells

    def quantities(self, found):
        """See `TaskReport`."""
        return [Quantity(f"Value ({found.unit})", found.value, 1, found.interval)]

    def section(self, found, population=None):
        """See `TaskReport`."""
        parts = [headline(f"{found.value:.1f} {found.unit}")]
        if found.interval is not None:
            low, high = found.interval
            text = (
                f"{self._interval()}: {low:.1f} to {high:.1f} {found.unit}. It "
                f"contains the true value of {100 * coverage_of(self.recipe):g} % of "
                "cases like those of the evaluation."
            )
            parts.append(element("p", text))
        if found.uncertainty is not None:
            deviation = f"Standard deviation of the prediction: {found.uncertainty:.2f}"
            parts.append(element("p", f"{deviation} {found.unit}."))
        if population is not None or found.interval is not None:
            chart = value_chart(found.value, found.interval, found.unit, population)
            caption = "Line: this scan."
            if found.interval is not None:
                caption += f" Band: its {self._interval()}."
            if population is not None:
                column = self.recipe["target"]["column"]
                caption += (
                    f" Bars: {column} of the {len(population)} cases "
                    "that the model was trained and cross-validated on."
                )
            parts.append(element("figure", chart, element("figcaption", caption)))
        if population is not None:
            low, high = float(np.min(population)), float(np.max(population))
            if not low <= found.value <= high:
                text = (
                    f"The value lies outside the range of the training data "
                    f"({low:.1f} to {high:.1f} {found.unit})."
                )
                parts.append(element("p", text, class_="warning"))
        return parts

    def _interval(self):
        return f"{100 * coverage_of(self.recipe):g} % interval"
