"""Exported networks in medzoo's cache: by content, never half-written, checked.

    engines/<key>/model.xml, model.bin, sums.json

The key is made of the network's graph, its weights, the code of medzoo's layers, and
the versions of what exports: a network whose weights have changed has another key. Of
a model of the zoo, whose files were verified, recipe and hash stand for graph and
weights, so that it is found without Keras.
"""

import hashlib
import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from medzoo.files import cache_folder, sha256_of, write_text_atomically

FILES = ("model.xml", "model.bin")
SUMS_FILE = "sums.json"
# Of the files' layout; another number leaves all older folders aside.
LAYOUT = 1
# Fine-tuned networks come and go: what was used longest ago makes room.
MOST_KEPT = 32
LEFTOVER_SECONDS = 3600.0
# Parts of medzoo whose code decides what a network computes.
CODE = ("layers", "models")
# Where a class may come from for its code to be known by a version or a sum.
KNOWN_PACKAGES = {"keras", "medzoo"}


def key_of(network, weights, packages):
    """Returns the name under which an exported network is kept.

    Args:
        network: a functional Keras model.
        weights: list of arrays, its weights in order.
        packages: tuple of str, the packages that export it.

    Returns:
        str of 64 hexadecimal digits, or None for a network with parts from outside
        Keras and medzoo, whose code could change unseen.
    """
    graph = _plain_graph(network.get_config())
    if not _is_known(graph):
        return None
    facts = {
        "layout": LAYOUT,
        "graph": graph,
        "made_with": {name: _version(name) for name in packages},
        "code": _code_sum(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for array in weights:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return digest.hexdigest()


def key_of_part(part, recipe, packages):
    """Returns the name under which a part of an unchanged zoo model is kept.

    Args:
        part: str, which network of the model, and all that decides it besides.
        recipe: dict, the recipe's content; its hash is that of the weights.
        packages: tuple of str, the packages that export it.

    Returns:
        str of 64 hexadecimal digits.
    """
    facts = {
        "layout": LAYOUT,
        "part": part,
        "architecture": recipe["architecture"],
        "layers": recipe["preprocessing"].get("layers", []),
        "weights": recipe["weights"]["sha256"],
        "made_with": {name: _version(name) for name in packages},
        "code": _code_sum(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def kept(key):
    """Returns the folder of an exported network, or None where it has to be made.

    Args:
        key: str, from `key_of`.
    """
    folder = _engines() / key
    try:
        sums = json.loads((folder / SUMS_FILE).read_text(encoding="utf-8"))
        if sums != _sums(folder):
            raise ValueError
        os.utime(folder)
    except (OSError, ValueError):
        _remove(folder)
        return None
    return folder


def keep(key, folder):
    """Takes a copy of an exported network into the cache, if there is room for it.

    Another process may do the same: the first one wins. A cache that cannot be written
    costs time at the next start and nothing else.

    Args:
        key: str, from `key_of`.
        folder: path of a folder with `FILES`.
    """
    temporary = _engines() / f".medzoo-{secrets.token_hex(8)}"
    try:
        temporary.mkdir(parents=True)
        for name in FILES:
            shutil.copyfile(Path(folder) / name, temporary / name)
        write_text_atomically(temporary / SUMS_FILE, json.dumps(_sums(temporary)))
        temporary.rename(_engines() / key)
        _sweep()
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)


def _plain_graph(config):
    """A network's settings without what changes from one process to the next.

    Keras numbers what has no name of its own by the order in which it was made.
    """
    names = {}
    _collect_names(config, names)
    return _renamed(config, names)


def _collect_names(config, names):
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            names.setdefault(config["name"], f"#{len(names)}")
        config = list(config.values())
    if isinstance(config, list | tuple):
        for part in config:
            _collect_names(part, names)


def _renamed(config, names):
    if isinstance(config, dict):
        return {key: _renamed(part, names) for key, part in config.items()}
    if isinstance(config, list | tuple):
        return [_renamed(part, names) for part in config]
    return names.get(config, config) if isinstance(config, str) else config


def _is_known(graph):
    if isinstance(graph, dict):
        package = str(graph.get("module", "keras")).partition(".")[0]
        return package in KNOWN_PACKAGES and all(map(_is_known, graph.values()))
    return all(map(_is_known, graph)) if isinstance(graph, list) else True


@cache
def _code_sum():
    digest = hashlib.sha256()
    for part in CODE:
        for path in sorted((Path(__file__).parents[1] / part).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _sums(folder):
    return {name: sha256_of(folder / name) for name in FILES}


def _engines():
    return cache_folder() / "engines"


def _remove(folder):
    """Takes a folder away at once: nobody may find it half there."""
    aside = folder.with_name(f".medzoo-{secrets.token_hex(8)}")
    with suppress(OSError):
        folder.rename(aside)
        shutil.rmtree(aside)


def _sweep():
    """Removes what was used longest ago, and what killed processes left behind."""
    folders = {path: path.stat().st_mtime for path in _engines().iterdir()}
    oldest = time.time() - LEFTOVER_SECONDS
    left = [p for p in folders if p.name.startswith(".") and folders[p] < oldest]
    whole = [path for path in folders if not path.name.startswith(".")]
    whole.sort(key=folders.get, reverse=True)
    for path in [*left, *whole[MOST_KEPT:]]:
        _remove(path)
