"""What a report needs of every task, and the pieces that several tasks show."""

from dataclasses import dataclass

from medzoo.reporting.markup import element


@dataclass(frozen=True)
class Cell:
    """One cell of the table of all cases.

    Args:
        head: str, the column.
        text: str, what stands in it.
        key: what it is sorted by; None for the text.
    """

    head: str
    text: object
    key: object = None


@dataclass(frozen=True)
class Quantity:
    """One number that sessions of a person are compared by.

    Args:
        head: str, what it is, with its unit.
        value: float.
        digits: int, after the point.
        interval: (low, high) or None.
    """

    head: str
    value: float
    digits: int = 1
    interval: tuple | None = None


class TaskReport:
    """How a report shows the predictions of one task; each task has a subclass.

    Args:
        recipe: dict, the recipe's content.
    """

    # Whether a chart shows the targets of the cases that the model was made with.
    shows_population = False

    def __init__(self, recipe):
        self.recipe = recipe

    def heads(self):
        """Returns the columns that `cells` fills, list of str."""
        raise NotImplementedError

    def cells(self, found):
        """Returns list of `Cell`: a `Prediction` in short."""
        raise NotImplementedError

    def quantities(self, found):
        """Returns list of `Quantity`, what sessions are compared by; images have none.

        Args:
            found: `Prediction`.
        """
        return []

    def section(self, found, population=None):
        """Returns list of `Markup`: a `Prediction` in full.

        Args:
            found: `Prediction`.
            population: array, the targets of the cases that the model was made with,
                or None where they are not known.
        """
        raise NotImplementedError


class ImageReport(TaskReport):
    """A task whose prediction is an image."""

    def heads(self):
        """See `TaskReport`."""
        return ["Result"]

    def cells(self, found):
        """See `TaskReport`."""
        return [Cell("Result", str(found))]

    def section(self, found, population=None):
        """See `TaskReport`."""
        shape = " x ".join(str(n) for n in found.image.shape)
        spacing = " x ".join(f"{s:.3g}" for s in found.image.spacing)
        return [headline(f"An image of {shape} voxels of {spacing} mm")]

    def stored(self, result, record):
        """Returns a dict of what a `Prediction` holds that an earlier run wrote.

        Args:
            result: Volume, the file that was written.
            record: dict, the case's record in the folder's status file.
        """
        return {"image": result}


def headline(text):
    """Returns the paragraph that a result begins with."""
    return element("p", text, class_="headline")


def bar_table(caption, rows):
    """Returns a table whose rows have bars."""
    body = element("tbody", rows)
    return element("table", element("caption", caption), body, class_="with-bars")
