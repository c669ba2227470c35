"""Models of the zoo for parts below it; `medzoo/__init__.py` says who loads them."""

from collections.abc import Callable
from typing import Any

_LOADERS: list[Callable[[str], Any]] = []


def set_loader(load: Callable[[str], Any]) -> None:
    """Sets what loads a model by its name.

    Args:
        load: callable from `name@version` to the Keras model, as `medzoo.load`.
    """
    _LOADERS[:] = [load]


def load_model(name: str) -> Any:
    """Loads a model of the zoo.

    Args:
        name: str, `name@version`.

    Returns:
        `keras.Model` with its recipe.
    """
    return _LOADERS[0](name)
