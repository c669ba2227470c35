"""Results as columns of a table, and the data dictionary."""

import re

from medzoo.inference.postprocess import coverage_of

UNITS = {"volume": "mL", "centile": "percentile"}
TEXTS = ("label", "warnings", "error")
# The columns that `columns_of` makes.
RESULT = re.compile(
    "value|label|uncertainty|warnings|error|interval_(low|high)"
    "|(probability|volume|centile|embedding)_.+"
)


def columns_of(record):
    """Returns the results of one case.

    Args:
        record: dict of `medzoo.predict`.

    Returns:
        dict of column -> float or str; warnings and errors come last.
    """
    row = {name: record[name] for name in ("value", "label") if name in record}
    if "interval" in record:
        row["interval_low"], row["interval_high"] = record["interval"]
    if isinstance(record.get("uncertainty"), int | float):
        row["uncertainty"] = record["uncertainty"]
    several = {"probability": "probabilities", "volume": "volumes_ml"}
    for kind, name in {**several, "centile": "centiles"}.items():
        for what, number in (record.get(name) or {}).items():
            row[_free_column(f"{kind}_{as_column(what)}", row)] = number
    for index, number in enumerate(record.get("embedding", ())):
        row[f"embedding_{index}"] = number
    if record.get("warnings"):
        row["warnings"] = "; ".join(record["warnings"])
    if "error" in record:
        row["error"] = record["error"]
    return row


def is_result(column):
    """Whether a column is one that `columns_of` makes."""
    return RESULT.fullmatch(column) is not None


def _free_column(name, row):
    """The name, or a numbered one: classes may differ in signs that columns lack."""
    number = 2
    free = name
    while free in row:
        free, number = f"{name}_{number}", number + 1
    return free


def meaning_of(column, recipe):
    """Returns the entry of a column in a dictionary of BIDS.

    Args:
        column: str, of `columns_of`.
        recipe: dict, the model's.
    """
    model = f"{recipe['name']}@{recipe['version']}"
    unit = recipe.get("unit") or "n/a"
    interval = f"{100 * coverage_of(recipe):g} % interval"
    told = {
        "value": {"Description": f"Prediction of {model}", "Units": unit},
        "interval_low": {"Description": f"{interval}, lower end", "Units": unit},
        "interval_high": {"Description": f"{interval}, upper end", "Units": unit},
        "uncertainty": {"Description": "Standard deviation of the prediction"},
        "label": {"Description": f"Prediction of {model}"},
        "warnings": {"Description": "Warnings about the scan"},
        "error": {"Description": "Error message"},
    }
    if column in told:
        return told[column]
    kind, _, what = column.partition("_")
    found = {"Description": f"{kind} of {what.replace('_', ' ')}"}
    return found | ({"Units": UNITS[kind]} if kind in UNITS else {})


def as_column(name):
    """A name with lower-case letters, digits and _ alone."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()


def as_cell(value):
    """A value as one cell of a table: no tab, no line break, never empty."""
    return " ".join(str(value).split()) or "n/a"
