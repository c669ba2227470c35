"""The volume of each class of a label map."""

import numpy as np


def volumes_ml(labels, affine, class_names, codes=None):
    """Returns the volume of each class but the background, in millilitres.

    Args:
        labels: `(x, y, z)` integers.
        affine: `(4, 4)` array, mm. Its axes may be sheared.
        class_names: list of str, background first.
        codes: list of int, the label of each class, or None where it is its place.

    Returns:
        dict of str -> float.
    """
    codes = range(len(class_names)) if codes is None else codes
    counts = np.bincount(labels.ravel(), minlength=max(codes) + 1)[list(codes)]
    voxel = abs(float(np.linalg.det(np.asarray(affine, float)[:3, :3]))) / 1000
    named = zip(class_names[1:], counts[1:], strict=True)
    return {name: float(count) * voxel for name, count in named}


def label_type(count):
    """Returns the numpy dtype that labels of so many classes fit into."""
    return np.min_scalar_type(max(count - 1, 0))
