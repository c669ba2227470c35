"""The model card of a hub: medzoo's own card below a block of metadata."""

import re
from pathlib import Path

from medzoo.zoo.cards.card import render_card
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import Recipe, read_recipe
from medzoo.zoo.recipe.tasks import TASKS

CARD_FILE = "README.md"
# Licences that the hub knows, by their SPDX names in lower case.
_HUB_LICENCES = frozenset(
    [
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cc-by-nd-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "gpl-3.0",
        "mit",
    ]
)
# The hub has no name for a number read from an image.
_PIPELINES = frozenset(["image-classification", "image-segmentation", "image-to-image"])


def render_hub_card(folder: str | Path, source: str) -> str:
    """Writes README.md of a model repository.

    Args:
        folder: The model's folder, with recipe.json and metrics.json.
        source: What a reader gives `medzoo.load`.

    Returns:
        Markdown behind a YAML block; the same text for the same files.
    """
    recipe = read_recipe(folder)
    measured = read_metrics(folder, recipe) or {"metrics": {}}
    block = _metadata(recipe, measured["metrics"])
    return f"---\n{block}\n---\n\n{render_card(folder, source=source)}"


def _metadata(recipe: Recipe, metrics: dict) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    task = TASKS[recipe.task].hub_name
    name = ", ".join(data["name"] for data in recipe.data) or "unnamed"
    results = [
        EvalResult(
            task_type=task,
            dataset_type=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
            dataset_name=name,
            metric_type=metric,
            metric_name=_metric_name(metric, entry),
            metric_value=entry["value"],
        )
        for metric, entry in metrics.items()
        if entry["value"] is not None
    ]
    return ModelCardData(
        **_licence(recipe.licence),
        library_name="keras",
        pipeline_tag=task if task in _PIPELINES else None,
        tags=_tags(recipe),
        base_model=(recipe.base_model or {}).get("name"),
        metrics=[result.metric_type for result in results],
        model_name=recipe.name,
        eval_results=results,
    ).to_yaml(line_break="\n")


def _licence(licence: str) -> dict:
    if licence.lower() in _HUB_LICENCES:
        return {"license": licence.lower()}
    return {"license": "other", "license_name": licence.lower().replace(" ", "-")}


def _tags(recipe: Recipe) -> list[str]:
    channels = [channel["name"] for channel in recipe.channels]
    network = recipe.architecture["class"]
    return ["medzoo", "medical-imaging", "3d", recipe.task, network, *channels]


def _metric_name(metric: str, entry: dict) -> str:
    """The metric with its interval, which the hub has no field for."""
    words = [metric.replace("_", " ")]
    if entry.get("unit"):
        words.append(f"({entry['unit']})")
    if entry.get("ci95"):
        words.append("[{:.4g}, {:.4g}]".format(*entry["ci95"]))
    return " ".join(words)
