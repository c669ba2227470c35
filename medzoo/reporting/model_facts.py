"""The model in a report: training data, intended use, metrics and limits."""

from medzoo.reporting.markup import element, join, table
from medzoo.zoo.cards.markdown import number
from medzoo.zoo.info import LICENCE_NOTE

RESEARCH_ONLY = "For research, not for diagnosis."
NO_DEVICE = (
    "Not a medical device: no diagnosis and no decision about a patient's care may "
    "rest on it."
)
_METRICS = 12


def model_section(recipe, measured, weights_note):
    """Returns the section about the model.

    Args:
        recipe: dict, the recipe's content.
        measured: dict, the content of metrics.json, or None.
        weights_note: str, whose weights these are, or "".

    Returns:
        `Markup`.
    """
    weights = recipe["weights"]
    digest = element("code", weights["sha256"]) if weights else "none in the recipe"
    rows = [
        ("Model", f"{recipe['name']} {recipe['version']}"),
        ("What it does", recipe["summary"]),
        ("Network", recipe["architecture"]["class"]),
        ("SHA-256 of the weights", join((digest, f" {weights_note}"))),
        ("Licence of the weights", f"{recipe['licence']}. {LICENCE_NOTE}"),
        ("Intended use", recipe["intended_use"]),
        ("Limits", element("ul", [element("li", text) for text in recipe["limits"]])),
        ("Made with", element("ul", [element("li", _data(d)) for d in recipe["data"]])),
        ("Citation", recipe["citation"]),
    ]
    warning = f"{RESEARCH_ONLY} {NO_DEVICE}"
    return element(
        "section",
        element("h2", "The model"),
        element("p", warning, class_="warning"),
        table(rows, class_="facts"),
        _metrics(measured),
        class_="model",
    )


def _data(entry):
    return (
        f"{entry['name']}, {entry['cases']} cases, {entry['licence']}: {entry['role']}"
    )


def _metrics(measured):
    if not measured or not measured["metrics"]:
        return element("p", "Not evaluated yet.")
    rows = []
    for name, entry in list(measured["metrics"].items())[:_METRICS]:
        text = f"{number(entry['value'])} {entry.get('unit') or ''}".strip()
        if entry.get("ci95"):
            low, high = entry["ci95"]
            text += f" (95 % interval {number(low)} to {number(high)})"
        if entry.get("n"):
            text += f", {entry['n']} cases"
        rows.append((name.replace("_", " "), text))
    return element(
        "details",
        element("summary", "Evaluation"),
        element("p", measured["protocol"]),
        table(rows, class_="facts"),
    )
