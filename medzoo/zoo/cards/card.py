"""A model's card, generated from recipe.json and metrics.json."""

from pathlib import Path

from medzoo.zoo.cards import markdown as md
from medzoo.zoo.info import LICENCE_NOTE
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import Recipe, read_recipe
from medzoo.zoo.recipe.tasks import TASKS
from medzoo.zoo.registry import read_entry

CARD_FILE = "card.md"
PICTURE_FILE = "result.png"
GENERATED = "<!-- Written by `medzoo cards` from recipe.json and metrics.json. -->"
_REPEATED = (
    "Mean absolute differences between predictions for one head: with 3 % of noise, "
    "sampled 0.7 mm further along each axis, with voxels longer by a quarter, and of "
    "two scans of one person where there are such."
)
_NOT_MEASURED = "Not measured yet."
# Of an engine's prediction from that of Keras.
_DIFFERENCES = {
    "largest_difference": "Largest difference",
    "mean_difference": "Mean difference",
    "other_labels": "Voxels labelled differently",
}
RESEARCH_ONLY = (
    "For research. Not a medical device: no diagnosis and no decision about a "
    "patient's care may rest on it."
)


def render_card(folder: str | Path, source: str | None = None) -> str:
    """Writes the card of one model.

    Args:
        folder: The model's folder, with recipe.json and perhaps metrics.json.
        source: What a reader gives `medzoo.load`; None for the model's name in the zoo.

    Returns:
        Markdown; the same text for the same two files.

    Raises:
        MissingFileError: There is no recipe.json.
        RecipeError: recipe.json breaks the schema.
        FileFormatError: metrics.json is not as `medzoo evaluate` writes it.
    """
    recipe = read_entry(Path(folder)) if source is None else read_recipe(folder)
    measured = read_metrics(folder, recipe)
    parts = (
        GENERATED,
        f"# {recipe.name}",
        md.plain(recipe.summary),
        _what_it_is(recipe),
        _use(recipe, source or recipe.name),
        _picture(Path(folder), recipe),
        *_measured_sections(measured),
        _data(recipe),
        md.section("Licence of the weights", f"{recipe.licence}.", LICENCE_NOTE),
        md.section("Intended use", md.plain(recipe.intended_use)),
        md.section(
            "Limits, and what it must not be used for",
            RESEARCH_ONLY,
            md.bullets([md.plain(limit) for limit in recipe.limits]),
        ),
        md.section("Citation", md.plain(recipe.citation)),
        _provenance(recipe, measured),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _what_it_is(recipe: Recipe) -> str:
    channels = ", ".join(
        channel["name"] + ("" if channel["required"] else " (optional)")
        for channel in recipe.channels
    )
    facts = [
        f"Task: {md.label(recipe.task)}",
        f"Input: {channels}",
        f"Output: {_answer(recipe)}",
        f"Network: {recipe.architecture['class']}",
    ]
    return md.section("What it is", md.bullets(facts))


def _answer(recipe: Recipe) -> str:
    classes = ", ".join(map(md.plain, recipe.class_names or ()))
    unit = md.plain(recipe.unit or "")
    return TASKS[recipe.task].gives.format(unit=unit, classes=classes)


def _use(recipe: Recipe, source: str) -> str:
    task = TASKS[recipe.task]
    names = [channel["name"] for channel in recipe.channels if channel["required"]]
    python, shell = '"scan.nii.gz"', "scan.nii.gz"
    if len(names) > 1:
        python = ", ".join(f'"{name}": "{name}.nii.gz"' for name in names)
        python = f"{{{python}}}"
        shell = " ".join(f"--channel {name}={name}.nii.gz" for name in names)
    optional = [channel["name"] for channel in recipe.channels]
    several = ""
    if len(optional) > len(names):
        pairs = ", ".join(f'"{name}": "{name}.nii.gz"' for name in optional)
        several = (
            f"Channels in any combination: `model.predict_volume({{{pairs}}})`; on the "
            f"command line `--channel {optional[0]}={optional[0]}.nii.gz`, once each."
        )
    return md.section(
        "Use",
        "```python\nimport medzoo\n\n"
        f'model = medzoo.load("{source}")\n'
        f"print(model.predict_volume({python}).{task.attribute})\n```",
        f"```sh\nmedzoo predict {source} {shell} {task.option}\n```",
        several,
    )


def _picture(folder: Path, recipe: Recipe) -> str:
    """A picture of a result, on a template or phantom, where the model has one."""
    if not (folder / PICTURE_FILE).is_file():
        return ""
    return md.section("A result", f"![A result of {recipe.name}]({PICTURE_FILE})")


def _measured_sections(measured: dict | None) -> tuple[str, ...]:
    if measured is None:
        return (md.section("Measured", _NOT_MEASURED),)
    baselines = measured["baselines"]
    header = ["Metric", "This model [95 %]", "Cases", *map(md.label, baselines)]
    rows = [
        [
            md.label(name),
            md.measurement(entry),
            md.count(entry),
            *(md.measurement(baseline.get(name)) for baseline in baselines.values()),
        ]
        for name, entry in measured["metrics"].items()
    ]
    groups = list(measured["groups"].items())
    external = [(entry["data"], entry["metrics"]) for entry in measured["external"]]
    repeated = [(md.label(n), e) for n, e in measured["repeatability"].items()]
    cost = [
        f"{md.label(name)}: {value if isinstance(value, str) else md.number(value)}"
        for name, value in measured["cost"].items()
    ]
    return (
        md.section(
            "Measured",
            md.plain(measured["protocol"]),
            md.table(header, rows) if rows else _NOT_MEASURED,
        ),
        md.section("By group", _by_metric("Group", groups)),
        md.section("On other data", _by_metric("Data", external)),
        md.section(
            "On scanners left out of training",
            _by_metric("Scanner", list(measured["out_of_scanner"].items())),
        ),
        md.section(
            "Repeatability",
            _REPEATED if measured["repeatability"] else "",
            _by_metric("Changed", repeated),
        ),
        md.section("Cost", md.bullets(cost), _engines(measured["engines"])),
    )


def _engines(engines: dict) -> str:
    """Inference backends: seconds per scan and numerical differences."""
    rows = [
        [
            md.plain(name),
            md.number(entry.get("seconds_per_scan")),
            *(_difference(entry, key) for key in _DIFFERENCES),
        ]
        for name, entry in engines.items()
    ]
    header = ["Engine", "Seconds per scan", *_DIFFERENCES.values()]
    return md.table(header, rows) if rows else ""


def _difference(entry: dict, key: str) -> str:
    if key not in entry:
        return "-"
    return f"{entry[key]:.1e} {md.plain(entry.get('unit', ''))}".strip()


def _by_metric(title: str, entries: list[tuple[str, dict]]) -> str:
    rows = [
        [md.plain(name), md.label(metric), md.measurement(entry), md.count(entry)]
        for name, metrics in entries
        for metric, entry in metrics.items()
    ]
    return md.table([title, "Metric", "Value [95 %]", "Cases"], rows) if rows else ""


def _data(recipe: Recipe) -> str:
    rows = [
        [
            f"[{md.plain(data['name'])}]({data['url']})"
            if "url" in data
            else md.plain(data["name"]),
            md.number(data["cases"]),
            md.plain(data["role"]),
            md.plain(data["licence"]),
        ]
        for data in recipe.data
    ]
    table = md.table(["Data", "Cases", "Role", "Licence"], rows) if rows else ""
    return md.section("Data and their licences", table)


def _provenance(recipe: Recipe, measured: dict | None) -> str:
    facts = [f"Version: {recipe.version}"]
    if recipe.weights is None:
        facts.append("Weights: none yet")
    else:
        facts.append(f"Weights: {recipe.weights['file']}")
        facts.append(f"sha256: `{recipe.weights['sha256']}`")
        facts.append(f"Bytes: {md.number(recipe.weights['bytes'])}")
    if recipe.base_model is not None:
        base = recipe.base_model
        facts.append(f"Fine-tuned from: {base['name']} {base['version']}")
    if measured is not None and measured.get("parameters") is not None:
        facts.append(f"Parameters: {md.number(measured['parameters'])}")
    return md.section("Provenance", md.bullets(facts))
