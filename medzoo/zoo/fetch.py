"""fetch: downloads a model by name or address for use offline."""

from pathlib import Path

from medzoo.zoo.hub.model_files import hub_model_folder, ready_weights
from medzoo.zoo.recipe.hub_address import is_hub_address, parse_model
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve


def fetch(source: str | Path, *, revision: str | None = None) -> Path:
    """Downloads a model so that it loads offline.

    Args:
        source: str or path: a zoo name, `name@version`, a model folder, or
            `hf://org/repo[@revision]`. Of a branch or tag on a hub, the newest commit
            is asked for; `medzoo.load` keeps to the one that was fetched last.
        revision: str or None, the revision on the hub.

    Returns:
        pathlib.Path of the verified weights, bundled or in the cache.

    Raises:
        InputError: for an unknown name, repository or revision.
        IntegrityError: if a download does not match the checksum in the recipe.
        OfflineError: if it must be fetched, and cannot be.
    """
    if is_hub_address(source):
        folder = hub_model_folder(parse_model(str(source), revision), refresh=True)
    else:
        folder = resolve(source, revision=revision)
    return ready_weights(folder, read_recipe(folder))
