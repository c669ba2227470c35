"""Regression: a value in the target's unit, with the recipe's calibrated interval."""

from medzoo.inference.scalar_task import ScalarTask


class Regression(ScalarTask):
    """One value a scan."""

    def fields(self, values, widened):
        """Returns value, unit and interval."""
        value, found = float(values[0]), {}
        bounds = self.step("interval")
        if bounds is not None and self.settings.uncertainty is not None:
            ends = (bounds["lower"], bounds["upper"])
            ends = [value + widened * end for end in ends]
            found["interval"] = within(ends, value, bounds.get("within"))
            found["coverage"] = bounds["coverage"]
        return {"value": value, "unit": self.recipe["unit"], **found}


def within(ends, value, bounds):
    """Returns an interval without what no true value can be, a pair of floats.

    Args:
        ends: two floats.
        value: float, which the interval keeps wherever it lies.
        bounds: two floats, of the recipe's step "interval"; None for no bounds.
    """
    low, high = ends
    if bounds is None:
        return low, high
    return max(low, min(bounds[0], value)), min(high, max(bounds[1], value))
