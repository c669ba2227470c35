"""A Keras 3 model zoo for volumetric medical images.

The names below are the public surface. Each is imported on first use (PEP 562),
so that `import medzoo` costs neither keras nor numpy.
"""

from importlib import import_module

from medzoo._version import __version__

# Public name -> the module that holds it, and the name there. A target of None
# makes the module itself public.
_PUBLIC = {
    "CompiledPipeline": ("medzoo.data.compiled_pipeline", "CompiledPipeline"),
    "PatchFeed": ("medzoo.data.feed", "PatchFeed"),
    "Volume": ("medzoo.volume", "Volume"),
    "attach": ("medzoo.zoo.load", "attach"),
    "count_classes": ("medzoo.data.class_frequencies", "count_classes"),
    "dataset": ("medzoo.data.dataset", "dataset"),
    "errors": ("medzoo.errors", None),
    "evaluate": ("medzoo.zoo.evaluate", "evaluate"),
    "features": ("medzoo.models.parts", "features"),
    "fetch": ("medzoo.zoo.fetch", "fetch"),
    "freeze": ("medzoo.models.parts", "freeze"),
    "info": ("medzoo.zoo.info", "info"),
    "layers": ("medzoo.layers", None),
    "list_models": ("medzoo.zoo.registry", "list_models"),
    "load": ("medzoo.zoo.load", "load"),
    "losses": ("medzoo.losses", None),
    "metrics": ("medzoo.metrics", None),
    "models": ("medzoo.models", None),
    "predict": ("medzoo.zoo.predict", "predict"),
    "preprocessing": ("medzoo.preprocessing", None),
    "publish": ("medzoo.zoo.publish", "publish"),
    "read": ("medzoo.io", "read"),
    "read_tfrecords": ("medzoo.data.tfrecords", "read_tfrecords"),
    "report": ("medzoo.reporting.report", "report"),
    "save_recipe": ("medzoo.zoo.save_recipe", "save_recipe"),
    "write": ("medzoo.io", "write"),
    "write_tfrecords": ("medzoo.data.tfrecords", "write_tfrecords"),
}

__all__ = [
    "CompiledPipeline",
    "PatchFeed",
    "Volume",
    "__version__",
    "attach",
    "count_classes",
    "dataset",
    "errors",
    "evaluate",
    "features",
    "fetch",
    "freeze",
    "info",
    "layers",
    "list_models",
    "load",
    "losses",
    "metrics",
    "models",
    "predict",
    "preprocessing",
    "publish",
    "read",
    "read_tfrecords",
    "report",
    "save_recipe",
    "write",
    "write_tfrecords",
]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medzoo' has no attribute {name!r}")
    module_name, attribute = _PUBLIC[name]
    module = import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
