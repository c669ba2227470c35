"""What a model says of a case: in full, and as cells of the table of all cases."""

from dataclasses import dataclass

import numpy as np

from medzoo.drawing.palette import class_colours
from medzoo.inference.centiles import corrected_volumes, mm3_by_code, reference
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sides import published_classes
from medzoo.reporting.charts import bar, centile_chart, value_chart
from medzoo.reporting.markup import element, join

# Regions whose curves are drawn; the table has all.
CHARTED = (
    "brain",
    "grey matter",
    "white matter",
    "ventricles",
    "right hippocampus",
    "left hippocampus",
)


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


def result_section(prediction, recipe, population=None):
    """Returns what was found, in full.

    Args:
        prediction: `Prediction`.
        recipe: dict, the recipe's content.
        population: array, the targets of the cases that the model was made with, or
            None where they are not known.

    Returns:
        `Markup`.
    """
    return join(_SECTIONS[prediction.task](prediction, recipe, population))


def result_cells(prediction):
    """Returns list of `Cell`: what was found, in short."""
    return _CELLS[prediction.task](prediction)


def result_heads(recipe):
    """Returns the columns that `result_cells` fills, list of str."""
    task = recipe["task"]
    if task == "segmentation":
        return [f"{name} (ml)" for name in published_classes(recipe)[0][1:]]
    return {
        "regression": [f"Value ({recipe.get('unit')})", "90 % interval"],
        "classification": ["Label", "Probability"],
        "reconstruction": ["Result"],
        "super_resolution": ["Result"],
    }[task]


def _value_section(found, recipe, population):
    parts = [_headline(f"{found.value:.1f} {found.unit}")]
    if found.interval is not None:
        low, high = found.interval
        text = (
            f"90 % interval: {low:.1f} to {high:.1f} {found.unit}. It holds the truth "
            "of nine in ten cases like those that the model was measured on."
        )
        parts.append(element("p", text))
    if found.uncertainty is not None:
        doubt = f"Standard deviation of the answer: {found.uncertainty:.2f}"
        parts.append(element("p", f"{doubt} {found.unit}."))
    if population is not None or found.interval is not None:
        chart = value_chart(found.value, found.interval, found.unit, population)
        caption = "Line: this scan."
        if found.interval is not None:
            caption += " Band: its 90 % interval."
        if population is not None:
            caption += (
                f" Bars: {recipe['target']['column']} of the {len(population)} cases "
                "that the model was trained and cross-validated on."
            )
        parts.append(element("figure", chart, element("figcaption", caption)))
    if population is not None:
        low, high = float(np.min(population)), float(np.max(population))
        if not low <= found.value <= high:
            text = (
                f"The value lies outside of what the model was trained on "
                f"({low:.1f} to {high:.1f} {found.unit})."
            )
            parts.append(element("p", text, class_="warning"))
    return parts


def _label_section(found, recipe, population):
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
    parts = [_headline(found.label), _bar_table("Probability of each class", rows)]
    if found.uncertainty is not None:
        text = f"Standard deviation of its probability: {found.uncertainty:.3f}."
        parts.append(element("p", text))
    return parts


def _volumes_section(found, recipe, population):
    most = max((*found.volumes_ml.values(), 1e-9))
    # Of small regions a tenth of a millilitre says nothing.
    digits = 1 if found.codes is None else 2
    names = found.class_names or recipe["class_names"]
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
                    element("span", class_="swatch", style=f"--class: rgb({colour})"),
                    name,
                    scope="row",
                ),
                element("td", f"{ml:.{digits}f} ml", class_="number"),
                element("td", bar(ml / most), class_="bars"),
                *_centile_cell(found, name),
            )
        )
    total = sum(found.volumes_ml.values())
    text = f"All classes together: {total:.1f} ml."
    table = _bar_table("Volume of each class", rows)
    return [*_centile_section(found, recipe), table, element("p", text)]


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


def _centile_section(found, recipe):
    """Charts of the person's volumes on the curves of healthy people."""
    if found.centiles is None:
        return []
    step = step_arguments(recipe, "centiles")
    population = reference(step["reference"])
    person, corrections = found.person, step["corrections"]
    volumes = corrected_volumes(mm3_by_code(found), population, corrections)
    ages = np.linspace(*population.ages, 36)
    charts = [
        centile_chart(
            region.capitalize(),
            ages,
            population.curves(region, person.sex, ages) / 1000,
            person.age,
            volumes[region] / 1000,
            f"centile {told_centile(found.centiles[region])}",
        )
        for region in CHARTED
        if region in found.centiles
    ]
    who = {"female": "women", "male": "men"}[person.sex]
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


def _image_section(found, recipe, population):
    shape = " x ".join(str(n) for n in found.image.shape)
    spacing = " x ".join(f"{s:.3g}" for s in found.image.spacing)
    parts = [_headline(f"An image of {shape} voxels of {spacing} mm")]
    if found.embedding is not None:
        numbers = len(found.embedding)
        text = (
            f"Drawn again from {numbers} numbers, the embedding of the scan. Where "
            "scan and result differ, the model lost what the scan shows."
        )
        parts.append(element("p", text))
    return parts


def _headline(text):
    return element("p", text, class_="headline")


def _bar_table(caption, rows):
    body = element("tbody", rows)
    return element("table", element("caption", caption), body, class_="with-bars")


def _value_cells(found):
    cells = [Cell(f"Value ({found.unit})", f"{found.value:.1f}", found.value)]
    if found.interval is not None:
        low, high = found.interval
        cells.append(Cell("90 % interval", f"{low:.1f} to {high:.1f}", low))
    return cells


def _label_cells(found):
    share = found.probabilities[found.label]
    return [
        Cell("Label", found.label),
        Cell("Probability", f"{100 * share:.1f} %", share),
    ]


def _volume_cells(found):
    return [
        Cell(f"{name} (ml)", f"{ml:.1f}", ml) for name, ml in found.volumes_ml.items()
    ]


def _image_cells(found):
    return [Cell("Result", str(found))]


_SECTIONS = {
    "regression": _value_section,
    "classification": _label_section,
    "segmentation": _volumes_section,
    "reconstruction": _image_section,
    "super_resolution": _image_section,
}
_CELLS = {
    "regression": _value_cells,
    "classification": _label_cells,
    "segmentation": _volume_cells,
    "reconstruction": _image_cells,
    "super_resolution": _image_cells,
}
