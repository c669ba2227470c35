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
            found["interval"] = tuple(value + widened * end for end in ends)
            found["coverage"] = bounds["coverage"]
        return {"value": value, "unit": self.recipe["unit"], **found}
