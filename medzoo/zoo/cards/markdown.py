"""Pieces of Markdown for cards: tables, texts and numbers as they are printed."""

import re

# Words of a metric's key -> what a reader knows them by.
_TOLD = {
    "dice": "Dice",
    "psnr": "PSNR",
    "area under roc": "area under the ROC curve",
    "peak memory gb": "peak memory (GB)",
    "error detection": "AUROC of voxel uncertainty for segmentation errors",
}


def number(value: float | None) -> str:
    """Gives a number with three significant digits, or a dash when there is none."""
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def measurement(entry: dict | None) -> str:
    """Gives a measured value with its 95 % interval and unit, as "4.0 [3.5, 4.6]"."""
    if entry is None:
        return "-"
    text = number(entry["value"])
    if entry.get("ci95"):
        low, high = entry["ci95"]
        text += f" [{number(low)}, {number(high)}]"
    unit = entry.get("unit")
    return f"{text} {plain(unit)}" if unit else text


def count(entry: dict | None) -> str:
    """Gives the number of cases behind a measured value."""
    return "-" if entry is None else number(entry.get("n"))


def label(name: str) -> str:
    """Gives a metric's key as a reader wants it: in words, without underscores."""
    text = plain(name.replace("_", " "))
    for words, told in _TOLD.items():
        text = re.sub(rf"\b{words}\b", told, text)
    return text


def plain(text: str) -> str:
    """Gives a recipe's text so that Markdown and HTML show it as it was written."""
    return text.strip().replace("&", "&amp;").replace("<", "&lt;")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Gives a Markdown table; line breaks and bars in cells cannot break it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def bullets(texts: list[str]) -> str:
    """Gives a Markdown list, one line an item."""
    return "\n".join(f"- {' '.join(text.split())}" for text in texts)


def section(title: str, *parts: str) -> str:
    """Gives a Markdown section; without a part that says something, nothing."""
    parts = tuple(part for part in parts if part)
    return "\n\n".join((f"## {title}", *parts)) if parts else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
