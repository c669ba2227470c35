"""A label map in a report: the volumes of its classes, and their centiles."""

import numpy as np

from medzoo.drawing.palette import class_colours
from medzoo.inference.centiles import corrected_volumes, mm3_by_code, reference
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sides import published_classes
from medzoo.reporting.charts import bar, centile_chart
from medzoo.reporting.markup import element
from medzoo.reporting.task_report import Cell, Quantity, TaskReport, bar_table

# Regions whose curves are drawn; the table has all.
CHARTED = (
    "brain",
    "grey matter",
    "white matter",
    "ventricles",
    "right hippocampus",
    "left hippocampus",
)


class SegmentationReport(TaskReport):
    """Shows volumes, see `TaskReport`."""

    def heads(self):
        """See `TaskReport`."""
        return [f"{name} (ml)" for name in published_classes(self.recipe)[0][1:]]

    def cells(self, found):
        """See `TaskReport`."""
        return [
            Cell(f"{name} (ml)", f"{ml:.1f}", ml)
            for name, ml in found.volumes_ml.items()
        ]

    def quantities(self, found):
        """See `TaskReport`."""
        digits = 1 if found.codes is None else 2
        total = sum(found.volumes_ml.values())
        return [
            Quantity("All classes (ml)", total, digits),
            *(Quantity(f"{n} (ml)", ml, digits) for n, ml in found.volumes_ml.items()),
        ]

    def section(self, found, population=None):
        """See `TaskReport`."""
        most = max((*found.volumes_ml.values(), 1e-9))
        # For small regions a tenth of a millilitre is too coarse.
        digits = 1 if found.codes is None else 2
        names = found.class_names or self.recipe["class_names"]
        colours = class_colours(len(names) - 1)
        rows = []
        for index, name in enumerate(names[1:], 1):
            colour = ",".join(str(int(part)) for part in colours[index - 1])
            ml = found.volumes_ml[name]
            rows.append(
                element(
                    "tr",
                    element("td", _shown_box(index, name), class_="box"),
                    element(
                        "th",
                        element(
                            "span", class_="swatch", style=f"--class: rgb({colour})"
                        ),
                        element("span", name, class_="name"),
                        scope="row",
                    ),
                    element("td", f"{ml:.{digits}f} ml", class_="number"),
                    element("td", bar(ml / most), class_="bars"),
                    *_centile_cell(found, name),
                )
            )
        total = sum(found.volumes_ml.values())
        text = f"All classes together: {total:.1f} ml."
        table = bar_table("Volume of each class", rows)
        return [*_centile_section(found, self.recipe), table, element("p", text)]

    def stored(self, result, record):
        """See `medzoo.reporting.task_report.ImageReport`."""
        names, codes = published_classes(self.recipe)
        return {
            "labels": result,
            "volumes_ml": record["volumes_ml"],
            "class_names": names,
            "codes": codes,
            "centiles": record.get("centiles"),
        }


def _centile_cell(found, name):
    if found.centiles is None:
        return ()
    centile = found.centiles.get(name)
    text = "" if centile is None else f"centile {told_centile(centile)}"
    return (element("td", text, class_="number"),)


def told_centile(centile):
    """Returns a centile as a word; nobody is above all others."""
    if centile < 1:
        return "below 1"
    return "above 99" if centile > 99 else f"{centile:.0f}"


def point_in_words(volume, told, curve, who):
    """Returns what a centile chart shows of a person, a sentence.

    Args:
        volume: float, ml, of the person.
        told: str, the centile.
        curve: five floats, ml: the 5th, 25th, 50th, 75th and 95th centile.
        who: str, the people that they are of.
    """
    own, low, middle, high = map(_millilitres, (volume, *curve[::2]))
    return (
        f"{own} ml, {told}. Healthy {who}: median {middle} ml, "
        f"90 % of them {low} to {high} ml."
    )


def _millilitres(volume):
    return f"{volume:.0f}" if volume >= 100 else f"{volume:.3g}"


def _centile_section(found, recipe):
    """Charts of the person's volumes on the curves of healthy people."""
    if found.centiles is None:
        return []
    step = step_arguments(recipe, "centiles")
    population = reference(step["reference"])
    person, corrections = found.person, step["corrections"]
    volumes = corrected_volumes(mm3_by_code(found), population, corrections)
    ages = np.linspace(*population.ages, 36)
    who = {"female": "women", "male": "men"}[person.sex]
    charts = []
    for region in CHARTED:
        if region not in found.centiles:
            continue
        told = f"centile {told_centile(found.centiles[region])}"
        volume = volumes[region] / 1000
        chart = centile_chart(
            region.capitalize(),
            ages,
            population.curves(region, person.sex, ages) / 1000,
            person.age,
            volume,
            told,
        )
        own = population.curves(region, person.sex, [person.age])[:, 0] / 1000
        words = point_in_words(volume, told, own, f"{who} of {person.age:g} years")
        charts.append(element("figure", chart, element("figcaption", words)))
    text = (
        f"Dot: this person, {person.age:g} years. Line and bands: median, 25th to 75th "
        f"and 5th to 95th centile of healthy {who}. Volumes here are corrected to how "
        "those were measured; the table below has them as measured."
    )
    figure = element(
        "figure",
        element("div", charts, class_="charts"),
        element("figcaption", text),
    )
    return [figure, element("p", f"Compared with: {population.source}.", class_="note")]


def _shown_box(index, name):
    """What a class is shown or hidden with; the page's script brings it to life."""
    return element(
        "input",
        type="checkbox",
        checked=True,
        hidden=True,
        data_class=index,
        aria_label=f"Show {name}",
        autocomplete="off",
    )
