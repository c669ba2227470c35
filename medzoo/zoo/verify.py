"""Whether the models that are here, bundled or cached, are what they should be."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from medzoo.errors import IntegrityError, MedzooError
from medzoo.files import sha256_of
from medzoo.zoo import cache
from medzoo.zoo.measured import read_metrics
from medzoo.zoo.recipe import read_recipe
from medzoo.zoo.registry import list_models, read_entry, resolve, zoo_folder
from medzoo.zoo.weights import scan_hdf5, verify_weights


@dataclass(frozen=True)
class Finding:
    """What was found about one model, or one file of the cache.

    Attributes:
        subject: Its name, folder or file.
        state: "ok", "absent" (its weights are not here) or "fault".
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


def verify(names: Iterable[str] | None = None) -> list[Finding]:
    """Checks recipes, sizes, hashes and the inner structure of weights; no network.

    Args:
        names: Models as `resolve` takes them; None for every bundled model and all
            that is in the cache.

    Returns:
        One finding a model, and, without names, one a file of the cache.
    """
    if names is not None:
        return [_finding(name, _check_named, name) for name in names]
    return [
        *(_finding(name, _check_bundled, name) for name in list_models()),
        *(
            _finding(str(cache.origin_of(folder)), _check_model, folder)
            for folder in sorted(cache.hub_folders())
        ),
        *(
            _finding(str(path), _check_cached, path)
            for path in sorted(cache.models_folder().glob("*/*/*.weights.h5"))
        ),
    ]


def _finding(subject: str, check: Callable, argument: object) -> Finding:
    try:
        found = check(argument)
    # A file without permission is a finding like any other.
    except (MedzooError, OSError) as fault:
        return Finding(subject, "fault", " ".join(str(fault).split()))
    if found is None:
        return Finding(subject, "absent", f"run: medzoo fetch {subject}")
    return Finding(subject, "ok", str(found))


def _check_named(name: str) -> Path | None:
    return _check_model(resolve(name))


def _check_bundled(name: str) -> Path | None:
    read_entry(zoo_folder() / name)
    return _check_model(zoo_folder() / name)


def _check_model(folder: Path) -> Path | None:
    """Gives the path of a model's sound weights; None where they are not here."""
    recipe = read_recipe(folder)
    read_metrics(folder, recipe)
    if recipe.weights is not None:
        own = Path(folder) / recipe.weights["file"]
        if not own.is_file() and not cache.weights_place(recipe).is_file():
            return None
    path = verify_weights(folder, recipe)
    scan_hdf5(path)
    return path


def _check_cached(path: Path) -> Path:
    digest = sha256_of(path)
    if digest != path.parent.name:
        raise IntegrityError(
            f"A cached file must have the sha256 that names its folder, in {path}. "
            f"Received: sha256={digest}. Delete it; it is fetched again when needed."
        )
    scan_hdf5(path)
    return path
