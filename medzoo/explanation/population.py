"""The population's mean: the baseline that a scan is explained against."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.errors import InputError, MedzooError, MissingFileError
from medzoo.files import replace_atomically

FILE = "population.npz"
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Population:
    """What a network takes, on average over people.

    Args:
        mean: `(x, y, z, channels)` float32.
        count: int, how many people.
        preprocessing: str, `digest_of` the recipe that it was made by.
    """

    mean: np.ndarray
    count: int
    preprocessing: str

    def write(self, path):
        """Writes it as .npz; returns the path."""
        with replace_atomically(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                mean=self.mean.astype(np.float16),
                count=np.int64(self.count),
                preprocessing=np.array(self.preprocessing),
            )
        return Path(path)


def digest_of(recipe):
    """Returns what a recipe does to a scan, as 64 hexadecimal digits."""
    text = json.dumps(recipe["preprocessing"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_population(path, recipe, shape):
    """Reads a file of `Population.write`.

    Args:
        path: of the .npz file.
        recipe: dict, of the model to explain.
        shape: four ints, of the network's input.

    Raises:
        MissingFileError: if there is no file.
        InputError: for a file of another kind, or made for another preprocessing.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"There must be a file of a population's mean. Received: {path}. Write it: "
            f"medzoo explain {recipe['name']} --cases CASES.csv --population FILE.npz."
        )
    if path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"A population's mean must be below {MOST_BYTES // 1_000_000} MB in {path}."
            f" Received: {path.stat().st_size} bytes. Give another file."
        )
    try:
        with np.load(path, allow_pickle=False) as parts:
            mean = parts["mean"].astype(np.float32)
            count, made_by = int(parts["count"]), str(parts["preprocessing"])
    except (ValueError, KeyError, OSError, TypeError, EOFError) as error:
        raise InputError(
            f"A population's mean must be an .npz of `medzoo explain` in {path}. "
            f"Received: {type(error).__name__}. Write it anew."
        ) from error
    if made_by != digest_of(recipe) or mean.shape != tuple(shape):
        raise InputError(
            "A population's mean must be made by the preprocessing of the model in "
            f"{path}. Received: shape={mean.shape}, another recipe. Write it anew: "
            f"medzoo explain {recipe['name']} --cases CASES.csv --population FILE.npz."
        )
    if not np.isfinite(mean).all():
        raise InputError(
            f"A population's mean must be finite in {path}. Received: NaN or Inf. "
            "Write it anew."
        )
    return Population(mean, count, made_by)


def mean_over(task, images, progress=None):
    """Returns the mean of a list of scans; one that fails does not stop the others.

    Args:
        task: `medzoo.inference.task.Task`.
        images: list of what `medzoo.explain` takes as image; each counts alike.
        progress: callable taking how many are done, or None.

    Returns:
        `Population`, and a list of (place, error) of those that are left out.

    Raises:
        InputError: if none is left.
    """
    total, failed = 0.0, []
    for place, image in enumerate(images):
        try:
            placed, _ = task.preprocess(image)
        except (MedzooError, OSError) as error:
            failed.append((place, error))
            continue
        total = total + task.normalize(placed.array[None])[0].astype(np.float64)
        if progress is not None:
            progress(place + 1)
    count = len(images) - len(failed)
    if not count:
        raise InputError(
            "A mean is over one person or more. Received: "
            f"{len(images)} cases, {len(failed)} of which failed. Check the table."
        )
    mean = np.asarray(total / count, np.float32)
    return Population(mean, count, digest_of(task.recipe)), failed
