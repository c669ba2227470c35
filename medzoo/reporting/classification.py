"""A class in a report: its name, and the probability of each."""

from medzoo.reporting.charts import bar
from medzoo.reporting.markup import element
from medzoo.reporting.task_report import Cell, Quantity, TaskReport, bar_table, headline


class ClassificationReport(TaskReport):
    """Shows classes, see `TaskReport`."""

    def heads(self):
        """See `TaskReport`."""
        return ["Label", "Probability"]

    def cells(self, found):
        """See `TaskReport`."""
        share = found.probabilities[found.label]
        return [
            Cell("Label", found.label),
            Cell("Probability", f"{100 * share:.1f} %", share),
        ]

    def quantities(self, found):
        """See `TaskReport`."""
        return [
            Quantity(f"Probability of {name} (%)", 100 * share)
            for name, share in found.probabilities.items()
        ]

    def section(self, found, population=None):
        """See `TaskReport`."""
        shares = sorted(found.probabilities.items(), key=lambda item: -item[1])
        rows = [
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", f"{100 * share:.1f} %", class_="number"),
                element("td", bar(share), class_="bars"),
            )
            for name, share in shares
        ]
        # A class alone would look surer than it is.
        share = found.probabilities[found.label]
        parts = [
            headline(f"{found.label}, {100 * share:.0f} %"),
            bar_table("Probability of each class", rows),
        ]
        if found.uncertainty is not None:
            text = f"Standard deviation of its probability: {found.uncertainty:.3f}."
            parts.append(element("p", text))
        return parts
