"""The settings of a run, compared before it is resumed."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from medzoo.data.store.content_hash import hashes_beside
from medzoo.errors import InputError
from medzoo.files import write_text_atomically
from medzoo.io.refusal import shown
from medzoo.io.remote import is_url
from medzoo.volume import Volume

RUN_FILE = "run.json"
# Parts of a recipe that decide what training gives.
PARTS = (
    "task",
    "architecture",
    "channels",
    "target",
    "preprocessing",
    "postprocessing",
    "class_names",
    "unit",
    "training",
)
# Checkpoints, best weights and finished networks.
STATES = ("epoch-*.npz", "best.npz", "network.weights.h5")
MOST_NAMED = 3
# What earlier versions noted of a Volume.
IN_MEMORY = "in memory"


def begin_run(runs, recipe, cases, *, start=None, tables=None, restart=False, log=None):
    """Starts a run in a folder, or checks that the earlier run is the same.

    Args:
        runs: path of the folder with checkpoints, made if it does not exist.
        recipe: dict.
        cases: list of `Case`.
        start: path of the weights to start from, or None.
        tables: path of the folder with the recipe's tables of codes, or None.
        restart: bool, remove an earlier run first.
        log: callable taking a line, or None.

    Returns:
        dict, what the run is of.

    Raises:
        InputError: if data or recipe of the earlier run were others (what differs is
            named), nothing tells what they were, or a scan is a URL.
    """
    runs = Path(runs)
    if restart and runs.is_dir():
        if log is not None:
            log(f"the earlier run in {runs} is removed")
        shutil.rmtree(runs)
    facts = _facts(recipe, cases, start, tables, hashes_beside(None))
    path = runs / RUN_FILE
    earlier = _read(path)
    made = next((p for state in STATES for p in runs.rglob(state)), None)
    if earlier is None and made is not None:
        raise InputError(
            "A run can be resumed only if its data and recipe are recorded, in "
            f"{runs}. Received: {made.relative_to(runs)}, and {RUN_FILE} is missing or "
            "damaged. Use another output folder, or --restart to start over."
        )
    if earlier is not None and (difference := _difference(earlier, facts)):
        raise InputError(
            f"A run can be resumed only with its own data and recipe, in {runs}. "
            f"Received: {difference}. Use another output folder, or --restart to start "
            "over."
        )
    if earlier is None:
        runs.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, json.dumps(facts, indent=1) + "\n")
    return facts


def _facts(recipe, cases, start, tables, hashes):
    parts = {part: recipe.get(part) for part in PARTS}
    # As JSON gives them back.
    facts = {"recipe": json.loads(json.dumps(parts))}
    facts["start"] = None if start is None else hashes(start)
    facts["tables"] = _tables(recipe, Path(tables or ""), hashes)
    facts["cases"] = {case.case_id: _case(case, hashes) for case in cases}
    return facts


def _tables(recipe, folder, hashes):
    """Source -> hash of its table of codes."""
    sources = (recipe["training"].get("options") or {}).get("sources") or {}
    codes = {n: s.get("codes") for n, s in sources.items() if isinstance(s, dict)}
    return {
        name: hashes(folder / code)
        for name, code in codes.items()
        if code is not None and (folder / code).is_file()
    }


def _case(case, hashes):
    """What a case gives to a training, as hashes: no path and no name of a file."""
    target = case.target
    if target is not None and (case.folder / target).is_file():
        target = hashes(case.folder / target)
    # Kinds of scans, and label maps that views strip by.
    columns = {name: _cell(case, name, hashes) for name in sorted(case.columns)}
    return {
        "images": {
            name: _image(case, image, hashes)
            for name, image in sorted(case.images.items())
        },
        "target": target,
        "person": _hash(case.person),
        **{f"column {name}": cell for name, cell in columns.items()},
    }


def _image(case, image, hashes):
    if isinstance(image, Volume):
        return _voxels(image)
    if is_url(image):
        raise InputError(
            "Scans to train on must be files of this machine. Received: "
            f"{shown(image)} in case {case.case_id}. Download them first."
        )
    return hashes(image)


def _voxels(volume):
    """The hash of a Volume in memory."""
    array = np.ascontiguousarray(volume.array)
    found = hashlib.sha256(f"{array.dtype} {array.shape} ".encode())
    found.update(np.asarray(volume.affine, np.float64).tobytes())
    found.update(array.reshape(-1).view(np.uint8))
    return found.hexdigest()


def _cell(case, name, hashes):
    """The hash of a cell of the table, or of the file that it names."""
    path, cell = case.path(name), case.columns[name]
    is_file = path is not None and not is_url(path) and Path(path).is_file()
    return hashes(path) if is_file else _hash(cell or "")


def _hash(text):
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _read(path):
    """The facts of an earlier run; None where there are none that can be read."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    complete = isinstance(facts, dict) and all(
        isinstance(facts.get(key), dict) for key in ("recipe", "cases")
    )
    return facts if complete else None


def _difference(earlier, now):
    """What differs, in words, or an empty text."""
    changes = []
    for part in PARTS:
        before, after = earlier["recipe"].get(part), now["recipe"].get(part)
        # Earlier versions noted less.
        if before == after or part not in earlier["recipe"]:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            keys = [k for k in {**before, **after} if before.get(k) != after.get(k)]
            changes += [
                f"{part}.{key}={_short(after.get(key))} instead of "
                f"{_short(before.get(key))}"
                for key in keys
            ]
        else:
            changes.append(f"another {part}")
    if earlier.get("start") != now["start"]:
        changes.append("other weights to start from")
    changes += [
        f"another table of codes of source {name}"
        for name, hash_ in (earlier.get("tables") or {}).items()
        if now["tables"].get(name) != hash_
    ]
    changes += _cases_that_differ(earlier["cases"], now["cases"])
    more = len(changes) - MOST_NAMED
    named = ", ".join(changes[:MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _cases_that_differ(before, after):
    changes = [f"no case {name}" for name in before if name not in after]
    changes += [f"a new case {name}" for name in after if name not in before]
    for name in after:
        known = before.get(name, after[name])
        keys = [
            k for k, v in after[name].items() if k in known and _differs(known[k], v)
        ]
        if keys:
            changes.append(f"another {' and '.join(keys)} of case {name}")
    if not changes and list(before) != list(after):
        changes.append("another order of the cases")
    return changes


def _differs(before, now):
    """Whether facts differ, as far as an earlier version noted them."""
    if isinstance(before, dict) and isinstance(now, dict):
        noted = {k: now.get(k) if v == IN_MEMORY else v for k, v in before.items()}
        return noted != now
    return before != now


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
