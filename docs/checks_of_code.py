"""Writes docs/checks.md: what medzoo refuses, warns of and repairs, from its code.

    python docs/checks_of_code.py

Every refusal stands in the code as an error whose first sentence is the rule; every
warning as a `MedzooWarning` or a doubt. They are read from the source, so that the
page cannot name a check that is not made, or lack one that is.
"""

import ast
import re
from pathlib import Path

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "medzoo"
PAGE = DOCS / "checks.md"
ERRORS = {
    "FileFormatError": "Malformed files",
    "GeometryError": "Missing or invalid geometry",
    "InputError": "Invalid images, tables and arguments",
    "RecipeError": "Recipes",
    "IntegrityError": "Weights and downloads",
    "OfflineError": "Network",
    "ResourceError": "Memory",
    "MissingFileError": "Missing files",
}
# What is mended, with a word where it matters -> the function that does it.
REPAIRS = {
    "Voxels that are no numbers outside an object, or a few inside, become background; "
    "a warning counts them.": "medzoo/io/voxels.py:without_non_finite",
    "`scl_slope` of 0 or NaN means unscaled.": "medzoo/io/nifti_header.py:_scaling",
    "Metres and micrometres become millimetres.": (
        "medzoo/io/nifti_geometry.py:nifti_affine"
    ),
    "Voxels far beyond all others are limited; a warning counts them.": (
        "medzoo/spatial/background.py:without_wild_voxels"
    ),
    "Scans with negative voxels (overshoot of splines, z-scores) are raised so that "
    "their background is 0.": "medzoo/spatial/background.py:from_background",
    "Label maps that are a little off whole numbers are rounded; one channel a class "
    "becomes one number.": "medzoo/data/label_values.py:whole_labels",
    "Label maps: what is no number is background.": (
        "medzoo/io/image_files.py:read_labels"
    ),
    "Tables: commas, semicolons or tabs, spaces around cells, any case of column "
    "names, empty rows, `n/a`, Excel's line `sep=;`, ends of lines of any kind.": (
        "medzoo/data/table_rows.py:read_rows"
    ),
    "Ages as DICOM writes them (`039Y`).": "medzoo/data/people.py:plain_age",
    "Sexes however they are written (`m`, `Male`).": "medzoo/data/people.py:plain_sex",
    "People are told apart by a column of any usual name, or by BIDS names.": (
        "medzoo/data/people.py:bids_subject"
    ),
    "A result whose name belongs to something else gets the model's name too.": (
        "medzoo/zoo/image_output.py:_free_place"
    ),
    "A damaged status line or result is work to be done again.": (
        "medzoo/zoo/image_output.py:finished"
    ),
    "A damaged checkpoint is removed, with a warning, and the one before used.": (
        "medzoo/training/checkpoint.py:load_newest"
    ),
    "Temporary files of processes that ended are removed.": "medzoo/files.py:sweep",
    "Cells that a spreadsheet would run are quoted.": "medzoo/zoo/records.py:cell",
}


def page():
    """Returns the text of docs/checks.md."""
    refused, warned = found_in(PACKAGE)
    lines = [
        "# What medzoo refuses, warns of and repairs",
        "",
        "Generated from the code by `docs/checks_of_code.py`; `...` stands for a value. "
        "Each error names the file, the received value and what to do. In a batch it "
        "ends one case, not the others.",
        "",
        "## Refused",
    ]
    for error, title in ERRORS.items():
        rules = sorted({rule for name, rule in refused if name == error})
        if rules:
            lines += ["", f"### {title} (`{error}`)", ""]
            lines += [f"- {rule}" for rule in rules]
    lines += ["", "## Warnings", ""]
    lines += [f"- {text}" for text in sorted(set(warned))]
    lines += ["", "## Repaired", ""]
    lines += [f"- {text} (`{place}`)" for text, place in REPAIRS.items()]
    return "\n".join(lines) + "\n"


def found_in(package):
    """Returns (error, rule) pairs and texts of warnings, from the source."""
    refused, warned = [], []
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                refused += _refusal(node)
                warned += _warning(node)
            if isinstance(node, ast.FunctionDef) and re.search(
                "doubt|_odd_", node.name
            ):
                warned += _doubts(node)
    return refused, warned


def _refusal(call):
    name = _name(call.func)
    if name in ERRORS and call.args:
        return [(name, rule) for rule in _rule(call.args[0])]
    if name == "refusal" and len(call.args) > 1 and _name(call.args[0]) in ERRORS:
        return [(_name(call.args[0]), rule) for rule in _rule(call.args[1])]
    return []


def _warning(call):
    is_warning = any(_name(argument) == "MedzooWarning" for argument in call.args)
    if is_warning and _name(call.func) == "warn":
        return _rule(call.args[0])
    if _name(call.func) == "append" and call.args:
        owner = ast.unparse(call.func)
        if owner.endswith("notes.append"):
            return [_sentence(t) for t in _texts(call.args[0])]
    return []


def _doubts(function):
    texts = []
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Call):
            values = node.args if isinstance(node, ast.Call) else [node.value]
            for value in values:
                items = (
                    value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
                )
                texts += [t for item in items for t in _texts(item) if " " in t]
    return [_sentence(text) for text in texts]


def _rule(node):
    """The sentence before "Received", of a text that is written out."""
    rules = []
    for text in _texts(node):
        rule = re.split(r"\.? Received:", text)[0].strip(" ,")
        # The place where it was found is no part of the rule.
        rule = re.sub(r"[,.]?( in| at)?( \.\.\.)?$", "", rule)
        if " " in rule and not rule.startswith(("...", "(")):
            rules.append(_sentence(rule))
    return rules


def _texts(node):
    """A text of the source, values as dots; none for what is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [" ".join(node.value.split())]
    if isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "..." for p in node.values]
        return [" ".join("".join(parts).split())]
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    return []


def _sentence(text):
    text = text.rstrip(" .:,").removesuffix(": ...").replace("|", r"\|")
    return f"{text[0].upper()}{text[1:]}."


def _name(node):
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
