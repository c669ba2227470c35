"""A Keras 3 model zoo for volumetric medical images.

The names below are the public surface. Each is imported on first use (PEP 562),
so that `import medzoo` costs neither keras nor numpy.
"""

from importlib import import_module

from medzoo._version import __version__
from medzoo.zoo_access import set_loader

# Public name -> the module that holds it, and the name there. A target of None
# makes the module itself public. Editors and type checkers read the same names in
# __init__.pyi; a test holds the two equal.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "CompiledPipeline": ("medzoo.data.compiled.compiled_pipeline", "CompiledPipeline"),
    "PatchFeed": ("medzoo.data.feeds.patch_feed", "PatchFeed"),
    "Volume": ("medzoo.volume", "Volume"),
    "attach": ("medzoo.zoo.load", "attach"),
    "count_classes": ("medzoo.data.feeds.class_frequencies", "count_classes"),
    "dataset": ("medzoo.data.feeds.dataset", "dataset"),
    "errors": ("medzoo.errors", None),
    "evaluate": ("medzoo.evaluation.evaluate", "evaluate"),
    "explain": ("medzoo.explanation.explain", "explain"),
    "features": ("medzoo.models.parts", "features"),
    "fetch": ("medzoo.zoo.fetch", "fetch"),
    "freeze": ("medzoo.models.parts", "freeze"),
    "inference": ("medzoo.inference", None),
    "info": ("medzoo.zoo.info", "info"),
    "io": ("medzoo.io", None),
    "layers": ("medzoo.layers", None),
    "list_models": ("medzoo.zoo.registry", "list_models"),
    "load": ("medzoo.zoo.load", "load"),
    "losses": ("medzoo.losses", None),
    "metrics": ("medzoo.metrics", None),
    "models": ("medzoo.models", None),
    "predict": ("medzoo.batch.predict", "predict"),
    "preprocessing": ("medzoo.preprocessing", None),
    "publish": ("medzoo.zoo.hub.publish", "publish"),
    "read": ("medzoo.io", "read"),
    "read_tfrecords": ("medzoo.data.store.tfrecords", "read_tfrecords"),
    "recalibrate": ("medzoo.zoo.recalibrate", "recalibrate"),
    "report": ("medzoo.reporting.report", "report"),
    "save_recipe": ("medzoo.zoo.save_recipe", "save_recipe"),
    "search": ("medzoo.zoo.search", "search"),
    "spatial": ("medzoo.spatial", None),
    "train": ("medzoo.zoo.train", "train"),
    "verify": ("medzoo.zoo.verify", "verify"),
    "write": ("medzoo.io", "write"),
    "write_tfrecords": ("medzoo.data.store.tfrecords", "write_tfrecords"),
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medzoo' has no attribute {name!r}")
    module_name, attribute = _PUBLIC[name]
    module = import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


# Some models are guided by another of the zoo, which only the zoo can load.
set_loader(lambda name: __getattr__("load")(name))


def __dir__() -> list[str]:
    return sorted(__all__)
