"""Strict JSON: no repeated keys, no NaN, limited size."""

import json
import math
from errno import EISDIR
from pathlib import Path

from medzoo.errors import MedzooError, MissingFileError

FILE_LIMIT = 1_000_000  # bytes; the largest recipe in sight is 5 kB
_DEPTH_LIMIT = 32


def read_json_object(
    path: Path, error: type[MedzooError], *, of_model: bool = True
) -> dict:
    """Reads a UTF-8 file that holds one JSON object.

    Args:
        path: The file.
        error: What to raise when the content is not acceptable.
        of_model: Whether it is a file of a model's folder, whose name is fixed.

    Returns:
        The object as dicts, lists, strings, finite numbers, booleans and None.

    Raises:
        MissingFileError: The file does not exist.
        MedzooError: Of the type `error`: too large, not UTF-8, not JSON, a repeated
            key, a number that is not finite, control characters, or not an object.
    """
    path = Path(path)
    try:
        # A pipe would wait for somebody to write.
        if path.exists() and not path.is_file():
            raise IsADirectoryError(EISDIR, "no file", str(path))
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        remedy = "Check the path."
        if of_model:
            remedy = f"Give a folder that holds {path.name}."
        raise MissingFileError(
            f"The file must exist. Received: path={shown(path)}. {remedy}"
        ) from None
    except OSError as fault:
        raise error(
            f"{path.name} cannot be read ({fault.strerror}) in {path.parent}. "
            f"Received: path={shown(path)}. Give a readable file."
        ) from fault
    if len(content) > FILE_LIMIT:
        raise error(
            f"A JSON file has at most {FILE_LIMIT} bytes, in {path}. Received: "
            f"more than {FILE_LIMIT} bytes. Keep tables in files of their own."
        )
    return _parse(content, str(path), error)


def _parse(content: bytes, source: str, error: type[MedzooError]) -> dict:
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as fault:
        raise error(
            f"The file must hold valid JSON, in {source}. Received: "
            f"fault={shown(str(fault) or 'nested too deeply')}. Correct the file."
        ) from None
    return plain_object(value, source, error)


def _object_without_repeats(pairs: list[tuple[str, object]]) -> dict:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {shown(key)} occurs twice in one object")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def plain_object(value: object, source: str, error: type[MedzooError]) -> dict:
    """Copies an object, making sure that it is nothing but JSON.

    Subclasses of dict and list (Keras wraps both) come back as plain ones.

    Args:
        value: The object to copy.
        source: What to name in an error: a file, or where the object came from.
        error: The type of error to raise.

    Returns:
        A deep copy that shares nothing with `value`.

    Raises:
        MedzooError: Of the type `error`, when something in it is not plain JSON.
    """
    if not isinstance(value, dict):
        raise error(
            f"The content must be a JSON object, in {source}. Received: "
            f"type={type(value).__name__}. Put it between braces."
        )

    def fault(rule: str, where: str, received: object, remedy: str) -> MedzooError:
        return error(
            f"{rule} in {source}. Received: {where or 'object'}={shown(received)}. "
            f"{remedy}"
        )

    return _plain(value, "", 0, fault)


def _plain(value: object, where: str, depth: int, fault: object) -> object:
    if depth > _DEPTH_LIMIT:
        raise fault(f"JSON nests at most {_DEPTH_LIMIT} deep", where, "...", "Flatten.")
    if isinstance(value, dict):
        return {
            _plain_key(key, where, fault): _plain(
                item, f"{where}.{key}" if where else str(key), depth + 1, fault
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _plain(item, f"{where}[{number}]", depth + 1, fault)
            for number, item in enumerate(value)
        ]
    return _plain_scalar(value, where, fault)


def _plain_key(key: object, where: str, fault: object) -> str:
    if not isinstance(key, str):
        raise fault("Keys must be strings", where, key, "Quote the key.")
    return _plain_scalar(key, where, fault)


def _plain_scalar(value: object, where: str, fault: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise fault("Numbers must be finite", where, value, "Give a finite number.")
        return value
    if not isinstance(value, str):
        raise fault("Values must be plain JSON", where, value, "Use JSON types only.")
    # Terminals obey control characters, and lone surrogates cannot be written.
    if any(not (char.isprintable() or char in "\n\t\xa0\u202f") for char in value):
        raise fault("Text must be printable", where, value, "Remove the character.")
    return value


def shown(value: object) -> str:
    """Gives a value as a short piece of one line for an error message."""
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."
