"""metrics.json: the metrics of a model, written by `medzoo evaluate`."""

from pathlib import Path

from medzoo.errors import FileFormatError
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.recipe.strict_json import read_json_object, shown

METRICS_FILE = "metrics.json"


def read_metrics(folder: str | Path, recipe: Recipe) -> dict | None:
    """Reads and checks the metrics.json of a model folder.

    Args:
        folder: The model's folder.
        recipe: Its recipe; the numbers must be of the same name and version.

    Returns:
        The object in the file, in which `metrics`, `baselines`, `groups`, `external`,
        `repeatability`, `out_of_scanner`, `cost` and `engines` are always present;
        None when there is no file.

    Raises:
        FileFormatError: The file is not as `medzoo evaluate` writes it, or measured
            another model or version.
    """
    path = Path(folder) / METRICS_FILE
    if not path.exists():
        return None
    content = read_json_object(path, FileFormatError)
    _check_subject(path, content, recipe)
    content.setdefault("protocol", "")
    content["metrics"] = _measurements(path, "metrics", content.get("metrics", {}))
    for key in ("baselines", "groups", "repeatability", "out_of_scanner"):
        content[key] = {
            name: _measurements(path, f"{key}.{name}", entry)
            for name, entry in _object(path, key, content.get(key, {})).items()
        }
    content["external"] = _external(path, content.get("external", []))
    content["cost"] = _facts(path, "cost", content.get("cost", {}))
    content["engines"] = {
        name: _facts(path, f"engines.{name}", entry)
        for name, entry in _object(path, "engines", content.get("engines", {})).items()
    }
    return content


def _facts(path: Path, where: str, entries: object) -> dict:
    for key, value in _object(path, where, entries).items():
        if not isinstance(value, int | float | str):
            raise _fault(path, "must be a number or text", f"{where}.{key}", value)
    return entries


def _check_subject(path: Path, content: dict, recipe: Recipe) -> None:
    for key, wanted in (("model", recipe.name), ("version", recipe.version)):
        if content.get(key) != wanted:
            raise _fault(path, f"must measure {wanted}", key, content.get(key))
    if not isinstance(content.get("protocol", ""), str):
        raise _fault(path, "must be text", "protocol", content["protocol"])
    parameters = content.get("parameters")
    if parameters is not None and (type(parameters) is not int or parameters < 0):
        raise _fault(path, "must be a count", "parameters", parameters)


def _external(path: Path, entries: object) -> list:
    if not isinstance(entries, list):
        raise _fault(path, "must be a list", "external", entries)
    for number, entry in enumerate(entries):
        where = f"external[{number}]"
        _object(path, where, entry)
        if not isinstance(entry.get("data"), str):
            raise _fault(path, "must name its data", where, entry.get("data"))
        _measurements(path, f"{where}.metrics", entry.get("metrics"))
    return entries


def _measurements(path: Path, where: str, entries: object) -> dict:
    for name, entry in _object(path, where, entries).items():
        place = f"{where}.{name}"
        _object(path, place, entry)
        # None is what an undefined number (a correlation of one case) is written as.
        value = entry.get("value")
        if "value" not in entry or not (value is None or _is_number(value)):
            raise _fault(path, "must have a value", place, value)
        interval = entry.get("ci95")
        if interval is not None and not (
            isinstance(interval, list)
            and len(interval) == 2
            and all(_is_number(end) for end in interval)
            and interval[0] <= interval[1]
        ):
            raise _fault(path, "must be [low, high]", f"{place}.ci95", interval)
        cases = entry.get("n")
        if cases is not None and type(cases) is not int:
            raise _fault(path, "must be a count", f"{place}.n", cases)
        if not isinstance(entry.get("unit") or "", str):
            raise _fault(path, "must be text", f"{place}.unit", entry["unit"])
    return entries


def _object(path: Path, where: str, value: object) -> dict:
    if not isinstance(value, dict):
        raise _fault(path, "must be an object", where, value)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fault(path: Path, rule: str, where: str, received: object) -> FileFormatError:
    return FileFormatError(
        f"{where} {rule} in {path}. Received: {where}={shown(received)}. "
        f"Write the file again with `medzoo evaluate`."
    )
