"""Measures of how well predictions meet the truth.

Keras metrics for `compile`, functions over whole results with 95 % intervals, and
distances between surfaces. Each name is imported on first use: measures of numbers need
no keras.

Imports `medzoo.errors` alone; training and evaluation import it.
"""

from importlib import import_module

# Name -> its module; __init__.pyi has the same for editors and type checkers.
_PUBLIC = {
    "AbsoluteVolumeDifference": "label_maps",
    "DiceScore": "label_maps",
    "PSNR": "image_quality",
    "SSIM3D": "image_quality",
    "average_surface_distance": "surface_distance",
    "bootstrap": "intervals",
    "classification_metrics": "classification",
    "hausdorff_distance": "surface_distance",
    "regression_metrics": "regression",
    "segmentation_metrics": "segmentation",
    "surface_dice": "surface_distance",
    "wilson": "intervals",
}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medzoo.metrics' has no attribute {name!r}")
    value = getattr(import_module(f"medzoo.metrics.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
