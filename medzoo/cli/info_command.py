"""`medzoo info NAME`: a model's data, numbers, licence and limits."""

import json
import sys
from argparse import ArgumentParser, Namespace

from medzoo.cli.parser import add_json, add_name
from medzoo.zoo.cards.markdown import measurement, number
from medzoo.zoo.info import info


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    add_name(parser)
    add_json(parser)


def run(values: Namespace) -> int:
    """Prints the description of a model; returns the exit code."""
    facts = info(values.name)
    text = json.dumps(facts, indent=2, allow_nan=False) if values.json else sheet(facts)
    sys.stdout.write(f"{text}\n")
    return 0


def sheet(facts: dict) -> str:
    """Gives the content of `medzoo.info` as a short sheet for a terminal."""
    channels = ", ".join(
        channel["name"] + ("" if channel["required"] else " (optional)")
        for channel in facts["channels"]
    )
    rows = [
        ("name", f"{facts['name']} {facts['version']}"),
        ("summary", facts["summary"]),
        ("task", facts["task"]),
        ("input", channels),
    ]
    if "unit" in facts:
        rows.append(("unit", facts["unit"]))
    if "class_names" in facts:
        rows.append(("classes", ", ".join(facts["class_names"])))
    rows.append(("network", facts["architecture"]["class"]))
    if facts["parameters"] is not None:
        rows.append(("parameters", number(facts["parameters"])))
    rows.extend(
        (f"measured {name.replace('_', ' ')}", measurement(entry))
        for name, entry in facts["metrics"].items()
    )
    if facts["protocol"]:
        rows.append(("measured by", facts["protocol"]))
    rows.extend(
        ("data", f"{data['name']}, {data['cases']} cases, {data['licence']}")
        for data in facts["data"]
    )
    rows.append(("intended use", facts["intended_use"]))
    rows.extend(("limit", limit) for limit in facts["limits"])
    rows.append(("citation", facts["citation"]))
    rows.append(("licence", f"{facts['licence']} ({facts['licence_note']})"))
    width = max(len(key) for key, _ in rows)
    return "\n".join(f"{key:<{width}}  {' '.join(text.split())}" for key, text in rows)
