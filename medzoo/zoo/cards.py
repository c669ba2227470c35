"""Model cards: written from recipe.json and metrics.json, and from nothing else."""

import re
from pathlib import Path

from medzoo.errors import InputError
from medzoo.files import write_text_atomically
from medzoo.zoo import card_markdown as md
from medzoo.zoo.info import LICENCE_NOTE
from medzoo.zoo.measured import read_metrics
from medzoo.zoo.recipe import Recipe, read_recipe
from medzoo.zoo.registry import list_models, read_entry, zoo_folder

CARD_FILE = "card.md"
PICTURE_FILE = "result.png"
INDEX_FILE = "MODEL_CARDS.md"
_GENERATED = "<!-- Written by `medzoo cards` from recipe.json and metrics.json. -->"
# README.md carries the same table of models between these two lines.
_TABLE_BEGIN = "<!-- medzoo cards: table of models begins -->"
_TABLE_END = "<!-- medzoo cards: table of models ends -->"
_REPEATED = (
    "Mean absolute differences between answers for one head: with 3 % of noise, "
    "sampled 0.7 mm further along each axis, with voxels longer by a quarter, and of "
    "two scans of one person where there are such."
)
_NOT_MEASURED = "Not measured yet."
# Of an engine's answer from that of Keras.
_DIFFERENCES = {
    "largest_difference": "Largest difference",
    "mean_difference": "Mean difference",
    "other_labels": "Share of other labels",
}
_RESEARCH_ONLY = (
    "For research. Not a medical device: no diagnosis and no decision about a "
    "patient's care may rest on it."
)
_RESULT = {
    "regression": ("value", "--json"),
    "classification": ("label", "--json"),
    "segmentation": ("labels", "-o labels.nii.gz"),
    "reconstruction": ("image", "-o image.nii.gz"),
    "super_resolution": ("image", "-o image.nii.gz"),
}


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
        _GENERATED,
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
            _RESEARCH_ONLY,
            md.bullets([md.plain(limit) for limit in recipe.limits]),
        ),
        md.section("Citation", md.plain(recipe.citation)),
        _provenance(recipe, measured),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def render_table(folder: str | Path | None = None, prefix: str = "zoo_models") -> str:
    """Writes the table of all models.

    Args:
        folder: A zoo folder to read instead of medzoo's own.
        prefix: Path from the page with the table to the zoo folder, for the links.

    Returns:
        A Markdown table, one row a model.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    rows = []
    for name in list_models(folder):
        recipe = read_entry(folder / name)
        measured = read_metrics(folder / name, recipe) or {"metrics": {}}
        first = next(iter(measured["metrics"].items()), None)
        rows.append(
            [
                f"[{name}]({prefix}/{name}/{CARD_FILE})",
                md.plain(recipe.summary),
                ", ".join(channel["name"] for channel in recipe.channels),
                f"{md.label(first[0])} {md.measurement(first[1])}" if first else "-",
                recipe.licence,
            ]
        )
    header = ["Model", "What it does", "Input", "Measured [95 %]", "Weights' licence"]
    return md.table(header, rows)


def render_index(folder: str | Path | None = None) -> str:
    """Writes MODEL_CARDS.md: the table of models, and where its numbers come from.

    Args:
        folder: A zoo folder to read instead of medzoo's own.
    """
    folder = zoo_folder() if folder is None else Path(folder)
    parts = (
        _GENERATED,
        "# Models",
        render_table(folder, prefix=folder.name),
        "Each card says how its numbers were measured and where the model fails.",
        LICENCE_NOTE,
        _RESEARCH_ONLY,
    )
    return "\n\n".join(parts) + "\n"


def write_cards(folder: str | Path | None = None) -> list[Path]:
    """Writes every card, MODEL_CARDS.md and the table in README.md where they differ.

    Args:
        folder: A zoo folder to use instead of medzoo's own; the other two files
            stand beside it.

    Returns:
        The files that changed.

    Raises:
        InputError: medzoo is an installed wheel, whose files are not to be written.
    """
    pages = _pages(folder)
    changed = _stale(pages)
    for path in changed:
        write_text_atomically(path, pages[path])
    return changed


def check_cards(folder: str | Path | None = None) -> list[Path]:
    """Finds the files that `write_cards` would change.

    Args:
        folder: A zoo folder to use instead of medzoo's own.

    Returns:
        The stale or missing files.
    """
    return _stale(_pages(folder))


def _pages(folder: str | Path | None) -> dict[Path, str]:
    folder = zoo_folder() if folder is None else Path(folder)
    if folder.name == "_zoo_models":
        raise InputError(
            f"Cards are written in a checkout of medzoo, not in an installed package. "
            f"Received: folder={folder}. Install the checkout with pip install -e."
        )
    pages = {
        folder / name / CARD_FILE: render_card(folder / name)
        for name in list_models(folder)
    }
    pages[folder.parent / INDEX_FILE] = render_index(folder)
    readme = folder.parent / "README.md"
    if readme.is_file():
        pages[readme] = _with_table(readme, render_table(folder, prefix=folder.name))
    return pages


def _with_table(readme: Path, table: str) -> str:
    text = readme.read_text(encoding="utf-8")
    pattern = re.escape(_TABLE_BEGIN) + ".*?" + re.escape(_TABLE_END)
    block = f"{_TABLE_BEGIN}\n{table}\n{_TABLE_END}"
    return re.sub(pattern, lambda _: block, text, flags=re.DOTALL)


def _stale(pages: dict[Path, str]) -> list[Path]:
    return [
        path
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _what_it_is(recipe: Recipe) -> str:
    channels = ", ".join(
        channel["name"] + ("" if channel["required"] else " (optional)")
        for channel in recipe.channels
    )
    facts = [
        f"Task: {md.label(recipe.task)}",
        f"Input: {channels}",
        f"Answer: {_answer(recipe)}",
        f"Network: {recipe.architecture['class']}",
    ]
    return md.section("What it is", md.bullets(facts))


def _answer(recipe: Recipe) -> str:
    if recipe.task == "regression":
        return f"a value in {md.plain(recipe.unit)}"
    if recipe.class_names is None:
        return "an image"
    classes = ", ".join(map(md.plain, recipe.class_names))
    start = "one of" if recipe.task == "classification" else "a label map of"
    return f"{start}: {classes}"


def _use(recipe: Recipe, source: str) -> str:
    attribute, option = _RESULT[recipe.task]
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
        f"print(model.predict_volume({python}).{attribute})\n```",
        f"```sh\nmedzoo predict {source} {shell} {option}\n```",
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
            _by_metric("Changed", list(measured["repeatability"].items())),
        ),
        md.section("Cost", md.bullets(cost), _engines(measured["engines"])),
    )


def _engines(engines: dict) -> str:
    """What runs the network: how long a scan takes, and how far the answers differ."""
    rows = [
        [
            md.plain(name),
            md.number(entry.get("seconds_per_scan")),
            *(_difference(entry, key) for key in _DIFFERENCES),
        ]
        for name, entry in engines.items()
    ]
    header = ["Engine", "Seconds a scan", *_DIFFERENCES.values()]
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
