"""An explanation in a report: the map over three slices, and the regions."""

from medzoo.drawing.heat import heat_slices
from medzoo.errors import InputError
from medzoo.explanation.explanation import Explanation
from medzoo.reporting.charts import bar
from medzoo.reporting.markup import element
from medzoo.reporting.privacy import without_paths
from medzoo.reporting.task_report import bar_table
from medzoo.reporting.viewer import pictures_with_sides
from medzoo.spatial.doubt import (
    CONTRAST,
    COVERAGE,
    IMAGE,
    MAP,
    REGIONS,
    SLICES,
    kind_of,
)

MOST_ROWS = 20
LONGEST = 320
ABOUT = (
    "It shows what the model looks at, not what is wrong with a person; effects of "
    "regions are no causes and do not add up to the prediction exactly."
)

# What a warning is about, by its kind.
SUBJECTS = {
    None: "",
    IMAGE: " about the scan",
    SLICES: " about the scan",
    COVERAGE: " about the scan",
    CONTRAST: " about the scan",
    REGIONS: " about the regions",
    MAP: " about the map",
}


def check_explanation(explanation):
    """Raises InputError unless it is an `Explanation`, which has a map and regions."""
    if not isinstance(explanation, Explanation):
        raise InputError(
            "A report shows an Explanation of a value or a class. Received: "
            f"explanation={type(explanation).__name__}. Leave it out."
        )


def explanation_section(explanation, scan):
    """Returns what a report shows of an `Explanation`, a list of `Markup`.

    Args:
        explanation: `medzoo.explanation.explanation.Explanation`.
        scan: Volume that it is of.
    """
    pictures, limit = heat_slices(scan, explanation.map, LONGEST)
    return [
        element("h3", "Explanation of the prediction"),
        element("p", told(explanation)),
        # Those of the scan stand with the prediction.
        *warning_lines(explanation, (REGIONS, MAP)),
        element("div", pictures_with_sides(pictures), class_="views small"),
        element(
            "p",
            f"{colours(explanation, limit)} Slices through where the map is strongest.",
            class_="note",
        ),
        region_table(explanation),
        element("p", ABOUT, class_="note"),
    ]


def told(explanation):
    """Returns what an `Explanation` is of, and how exact it is, a str."""
    return (
        f"{explanation}. Attributions (integrated gradients) add up to the difference "
        f"but for {abs(explanation.gap):.2g} {explanation.unit}."
    )


def warning_lines(explanation, kinds=tuple(SUBJECTS), images=()):
    """Returns warnings, each with what it is about, a list of `Markup`.

    Args:
        explanation: `Explanation`.
        kinds: those to return, of `SUBJECTS`.
        images: dict of channel -> path, which are not to be told.
    """
    return [
        element(
            "p",
            f"Warning{SUBJECTS[kind_of(text)]}: {without_paths(text, dict(images))}",
            class_="warning",
        )
        for text in explanation.warnings
        if kind_of(text) in kinds
    ]


def colours(explanation, limit):
    """Returns what the colours of the map mean, a sentence.

    Args:
        explanation: `Explanation`.
        limit: float, what the strongest colour stands for.
    """
    of = "" if explanation.target is None else f" of {explanation.target}"
    return (
        f"Orange raises the prediction, blue lowers it; the strongest colour stands "
        f"for {limit:.2g} {explanation.unit}{of} per millilitre or more."
    )


def region_table(explanation):
    """Returns by how much each region raises the prediction, a table with bars."""
    return bar_table(
        f"By how much each region as it is raises the prediction (regions: "
        f"{explanation.region_source})",
        _rows(explanation),
    )


def _rows(explanation):
    """A row for each region: its effect on the prediction as it is in this scan."""
    shown = explanation.regions[:MOST_ROWS]
    most = max((abs(region.effect) for region in shown), default=0) or 1
    return [
        element(
            "tr",
            element("th", region.name, scope="row"),
            element("td", f"{region.effect:+.2f} {explanation.unit}", class_="number"),
            element("td", bar(region.effect / most, signed=True), class_="bars"),
        )
        for region in shown
    ]
