"""How reliable a prediction is on this scan: scanner, voxels, coverage, accuracy.

Nothing is measured here: it is what the prediction, its warnings and the model's
metrics.json say, in one place.
"""

from dataclasses import dataclass

from medzoo.reporting.checks import finds_head
from medzoo.reporting.markup import element
from medzoo.spatial.doubt import COVERAGE, IMAGE, SLICES, kind_of
from medzoo.spatial.plausibility import LEAST_BRAIN, THICK_MM
from medzoo.zoo.cards.markdown import number

TITLE = "How reliable this prediction is"
EXPECTED, LESS, DOUBTFUL = "as expected", "less certain", "doubtful"
UNKNOWN, NOTED = "not measured", "see below"
# How each looks, from the best to the worst; the words say it too.
KINDS = {
    UNKNOWN: "none",
    EXPECTED: "good",
    NOTED: "none",
    LESS: "less",
    DOUBTFUL: "bad",
}


@dataclass(frozen=True)
class Point:
    """One thing that the reliability of a prediction depends on.

    Args:
        name: str.
        finding: str, a sentence.
        status: str, one of `KINDS`.
    """

    name: str
    finding: str
    status: str


def reliability_section(points, found, measured=None):
    """Returns how reliable a prediction is on a scan.

    Args:
        points: list of `Point`, from `reliability_points`.
        found: `Prediction`.
        measured: dict, the content of metrics.json, or None.

    Returns:
        `Markup`, a section without its heading, which is `TITLE`.
    """
    rows = [
        element(
            "tr",
            element("th", point.name, scope="row"),
            element("td", _badge(point.status), class_="status"),
            element("td", point.finding),
        )
        for point in points
    ]
    told = [element("p", text) for text in accuracy(found, measured)]
    return element(
        "section",
        element("p", verdict(points), class_="verdict"),
        element("table", element("tbody", rows), class_="points"),
        told,
        class_="reliability",
    )


def reliability_points(found, volume, recipe):
    """Returns what speaks for or against a prediction, list of `Point`.

    Args:
        found: `Prediction`.
        volume: Volume, the input.
        recipe: dict, the recipe's content.
    """
    warnings = tuple(found.warnings)
    strange = _about(warnings, IMAGE)
    points = [
        _scanner(found, recipe),
        Point(
            "Kind of image",
            "The warning below says what the image looks like."
            if strange
            else "Nothing in its voxels is unlike a scan of its kind.",
            DOUBTFUL if strange else EXPECTED,
        ),
        _voxels(found, volume, warnings),
        _coverage(warnings, recipe, strange),
    ]
    if others := _about(warnings, None):
        sign = "warning" if others == 1 else "warnings"
        text = f"{others} further {sign}, below."
        points.append(Point("Others", text, NOTED))
    return points


def verdict(points):
    """Returns a sentence on all `Point`s together."""
    doubtful = [p.name.lower() for p in points if p.status == DOUBTFUL]
    less = [p.name.lower() for p in points if p.status == LESS]
    unknown = [p.name.lower() for p in points if p.status == UNKNOWN]
    if doubtful:
        text = f"Doubtful ({', '.join(doubtful)}): it may be far off."
    elif less:
        text = f"Less certain than the model's card says ({', '.join(less)})."
    else:
        text = "Nothing that was checked speaks against the prediction."
    return text + (f" Not measured: {', '.join(unknown)}." if unknown else "")


def worst(points):
    """Returns the worst status of `Point`s, a str."""
    return max((point.status for point in points), key=list(KINDS).index)


def accuracy(found, measured):
    """Returns sentences on the measured accuracy, list of str.

    Args:
        found: `Prediction`.
        measured: dict, the content of metrics.json, or None.
    """
    if not measured or not measured["metrics"]:
        return ["How accurate the model is was not measured yet."]
    name, entry = next(iter(measured["metrics"].items()))
    told = name.replace("_", " ")
    text = f"Measured {told}: {_measured(entry)}, {entry.get('n', '-')} cases"
    away = {
        scanner: metrics[name]
        for scanner, metrics in measured["out_of_scanner"].items()
        if name in metrics
    }
    if not away:
        return [f"{text}."]
    named = ", ".join(
        f"{_measured(entry)} ({scanner})" for scanner, entry in away.items()
    )
    sentences = [f"{text} of the scanners of training. On one left out: {named}."]
    facts = found.familiarity
    if facts is not None and facts.distance > facts.usual:
        sentences.append("For this scan the numbers of scanners left out count.")
    return sentences


def _measured(entry):
    text = f"{number(entry['value'])} {entry.get('unit') or ''}".strip()
    if entry.get("ci95"):
        low, high = entry["ci95"]
        text += f" (95 % interval {number(low)} to {number(high)})"
    return text


def _scanner(found, recipe):
    facts = found.familiarity
    if facts is None:
        steps = {step["step"] for step in recipe["postprocessing"]}
        why = "in this run" if "familiarity" in steps else "by this model, for any scan"
        return Point("Scanner", f"Its contrast is not compared {why}.", UNKNOWN)
    place = (
        f"contrast at distance {facts.distance:.2f} from the nearest scanner of "
        f"training (up to {facts.usual:.2f} is usual, beyond {facts.limit:.2f} is "
        f"warned of). The uncertainty is {_times(facts.factor)}."
    )
    if facts.distance > facts.limit:
        return Point("Scanner", f"Unlike the scanners of training: {place}", DOUBTFUL)
    if facts.distance > facts.usual:
        return Point("Scanner", f"Near the scanners of training: {place}", LESS)
    status = LESS if facts.factor > 1 else EXPECTED
    return Point("Scanner", f"Of a known scanner's kind: {place}", status)


def _times(factor):
    if factor > 1:
        return f"{factor:.1f} times that of a known scanner"
    return "that of a known scanner"


def _voxels(found, volume, warnings):
    thick = max(volume.spacing)
    text = f"{thick:.2g} mm along the coarsest axis"
    if _about(warnings, SLICES):
        text += "; details in between are not in the scan. See the warning."
        return Point("Voxel size", text, DOUBTFUL)
    facts = found.familiarity
    if facts is not None and thick > facts.coarsest_mm:
        text += f", coarser than {facts.coarsest_mm:g} mm: the distance is raised."
        return Point("Voxel size", text, LESS)
    text += f"; {THICK_MM:g} mm and more are warned of. Blur is not measured."
    return Point("Voxel size", text, EXPECTED)


def _coverage(warnings, recipe, strange):
    name = "Coverage"
    if _about(warnings, COVERAGE):
        return Point(name, "Perhaps not whole: see the warning below.", DOUBTFUL)
    if not finds_head(recipe):
        return Point(name, "This model does not look for a head.", UNKNOWN)
    if strange:
        return Point(name, "Not checked in an image of another kind.", UNKNOWN)
    text = f"No side of the brain lacks more than {1 - LEAST_BRAIN:.0%} of itself."
    return Point(name, text, EXPECTED)


def _about(warnings, kind):
    """How many of the warnings are of a kind; None for those of no kind."""
    return sum(kind_of(warning) == kind for warning in warnings)


def _badge(status):
    return element("span", status, class_=f"badge {KINDS[status]}")
