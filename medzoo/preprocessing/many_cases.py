"""Many scans through the steps: over the processors, each case apart."""

import json
import os
from collections.abc import Callable
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from medzoo._version import __version__
from medzoo.errors import InputError, MedzooError
from medzoo.files import write_text_atomically
from medzoo.preprocessing.one_case import Work, places_of, preprocess_case
from medzoo.processes import pool_of_processes

# Each process may hold a network and a head: two of them fit into a small machine.
MOST_JOBS = 2


def preprocess(
    cases: list[tuple[str, str, str]],
    work: Work,
    *,
    jobs: int | None = None,
    progress: Callable[[dict], None] | None = None,
) -> list[dict]:
    """Takes scans through the steps; one that fails does not stop the others.

    Args:
        cases: list of (case_id, path of the scan, path of its results without suffix).
        work: `Work`.
        jobs: int, processes at once; None for one a processor, two at most.
        progress: callable, told each side-car or `{"case_id", "error"}`, or None.

    Returns:
        list of dict in the order of the cases: side-cars, or `{"case_id", "error"}`.

    Raises:
        InputError: if a result of one case would lie over an input or a result of
            another.
    """
    check_apart(cases)
    jobs = min(jobs or min(os.cpu_count() or 1, MOST_JOBS), len(cases))
    if jobs == 1:
        return [_and_tell(_one(case, work), progress) for case in cases]
    found = {}
    with pool_of_processes(jobs, work) as pool:
        try:
            waiting = {pool.submit(_one, case, work): case[0] for case in cases}
            for done in as_completed(waiting):
                found[waiting[done]] = _and_tell(_result(done, waiting[done]), progress)
        except BaseException:
            # Such as Ctrl-C: what has not begun is not begun any more.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[case_id] for case_id, _, _ in cases]


def check_apart(cases: list[tuple[str, str, str]]) -> None:
    """Refuses results that would lie over an input or over each other.

    Raises:
        InputError: naming the file.
    """
    inputs = {os.path.realpath(image) for _, image, _ in cases}
    seen = set()
    for case_id, _, stem in cases:
        for path in places_of(stem):
            place = os.path.realpath(path)
            inside = next((i for i in inputs if place.startswith(i + os.sep)), None)
            if place in inputs or place in seen or inside:
                raise InputError(
                    "A result must lie over no input and over no other result. "
                    f"Received: {path}, of case {case_id}. Choose another folder, or "
                    "other case_ids."
                )
            seen.add(place)


def write_description(folder: str | Path) -> None:
    """Writes dataset_description.json of a BIDS derivative, unless one is there."""
    path = Path(folder) / "dataset_description.json"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "Name": "Scans normalised by medzoo",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "medzoo", "Version": __version__}],
    }
    write_text_atomically(path, json.dumps(told, indent=1) + "\n")


def _result(done, case_id):
    """Of a case; the system may have ended the process that it ran in."""
    try:
        return done.result()
    except BrokenProcessPool:
        return {
            "case_id": case_id,
            "error": "A process must live until its case is done. Received: one that "
            "was ended, mostly for want of memory. Use --jobs 1 and run again: what is "
            "done is kept.",
        }


def _one(case, work):
    case_id, image, stem = case
    try:
        return preprocess_case(case_id, image, stem, work)
    # ITK tells with a RuntimeError what it cannot do.
    except (MedzooError, OSError, MemoryError, RuntimeError) as error:
        told = str(error) or type(error).__name__
        return {"case_id": case_id, "error": told}


def _and_tell(told, progress):
    if progress is not None:
        progress(told)
    return told
