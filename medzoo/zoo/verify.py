"""Verification of bundled and cached models."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from medzoo.errors import IntegrityError, MedzooError
from medzoo.files import sha256_of
from medzoo.zoo.golden import EXPECTED_FILE, golden_outputs, read_expected
from medzoo.zoo.hub import cache
from medzoo.zoo.hub.model_files import check_fetchable
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.registry import list_models, read_entry, zoo_folder
from medzoo.zoo.resolve import resolve
from medzoo.zoo.weights import scan_hdf5, verify_weights

# Largest difference between machines, relative to the largest output.
MOST_OFF = 1e-3


@dataclass(frozen=True)
class Finding:
    """What was found about one model, or one file of the cache.

    Attributes:
        subject: Its name, folder or file.
        state: "ok", "absent" (its weights are not here, but can be fetched) or
            "fault".
        detail: Where its weights are, or what is wrong.
    """

    subject: str
    state: str
    detail: str

    def to_dict(self) -> dict:
        """Gives plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.state:<6}  {self.subject}  {self.detail}"


def verify(
    source: str | Path | Iterable[str | Path] | None = None, *, answers: bool = False
) -> list[Finding]:
    """Checks recipes, sizes, hashes and the inner structure of weights; no network.

    Args:
        source: A zoo name, `name@version`, a model folder or `hf://org/repo`, or
            several of these; None for every bundled model and all that is cached.
        answers: Whether each model is loaded too, and its predictions compared with its
            expected.json: weights in another order have the right shapes.

    Returns:
        One finding a model, and, with None, one a file of the cache.
    """
    if isinstance(source, str | Path):
        source = [source]
    if source is not None:
        return [_finding(str(one), _check_named, one, answers) for one in source]
    return [
        *(_finding(name, _check_bundled, name, answers) for name in list_models()),
        *(
            _finding(str(cache.origin_of(folder)), _check_model, folder, answers)
            for folder in sorted(cache.hub_folders())
        ),
        *(
            _finding(str(path), _check_cached, path)
            for path in sorted(cache.models_folder().glob("*/*/*.weights.h5"))
        ),
    ]


def _finding(subject: str, check: Callable, *arguments: object) -> Finding:
    try:
        found = check(*arguments)
    # A file without permission is a finding like any other.
    except (MedzooError, OSError) as fault:
        return Finding(subject, "fault", " ".join(str(fault).split()))
    if found is None:
        return Finding(subject, "absent", f"run: medzoo fetch {subject}")
    return Finding(subject, "ok", str(found))


def _check_named(name: str, answers: bool) -> Path | None:
    return _check_model(resolve(name), answers)


def _check_bundled(name: str, answers: bool) -> Path | None:
    read_entry(zoo_folder() / name)
    return _check_model(zoo_folder() / name, answers)


def _check_model(folder: Path, answers: bool) -> Path | None:
    """Gives the path of a model's verified weights; None where they are not here."""
    recipe = read_recipe(folder)
    read_metrics(folder, recipe)
    if recipe.weights is not None:
        own = Path(folder) / recipe.weights["file"]
        if not own.is_file() and not cache.weights_place(recipe).is_file():
            # What nothing says where to fetch is no model that is merely not here.
            check_fetchable(Path(folder), recipe)
            return None
    path = verify_weights(folder, recipe)
    scan_hdf5(path)
    if answers:
        _check_answers(folder)
    return path


def _check_answers(folder: Path) -> None:
    """Compares the predictions of a model with its expected.json, if it has one."""
    if not (Path(folder) / EXPECTED_FILE).is_file():
        return
    import numpy as np

    from medzoo.zoo.quiet_keras import import_keras

    import_keras()
    from medzoo.zoo.load import load

    expected = read_expected(folder)
    found = np.asarray(golden_outputs(load(folder)))
    off = np.inf
    if found.shape == expected.shape:
        off = float(np.abs(found - expected).max())
    if not off <= MOST_OFF * max(1.0, float(np.abs(expected).max())):
        raise IntegrityError(
            f"Predictions must match {EXPECTED_FILE} in {folder}. "
            f"Received: largest difference={off:.3g}. Do not use it; get it again."
        )


def _check_cached(path: Path) -> Path:
    digest = sha256_of(path)
    if digest != path.parent.name:
        raise IntegrityError(
            f"A cached file must have the sha256 that names its folder, in {path}. "
            f"Received: sha256={digest}. Delete it; it is fetched again when needed."
        )
    scan_hdf5(path)
    return path
