"""Published weights: one HDF5 file, mostly float16, without an optimizer."""

import os
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np

from medzoo.errors import InputError
from medzoo.files import replace_atomically, sha256_of

LARGEST_FLOAT16 = float(np.finfo(np.float16).max)
# Arrays of fewer numbers stay float32: together they are a thousandth of a U-Net's, and
# a readout's constants need more than three digits.
FEW = 10_000


def write_weights(model, path, *, dtype="float16"):
    """Writes the weights of an uncompiled model.

    float16 halves the file; what is lost is measured by evaluating the model as it
    is loaded from the file. Small arrays, and those with numbers beyond its range (such
    as variances), stay float32.

    Args:
        model: Keras model without optimizer: an optimizer's state is not published.
        path: path ending in .weights.h5; replaced atomically.
        dtype: str, "float16" or "float32", of the stored numbers.

    Returns:
        dict `{"file", "sha256", "bytes"}` for recipe.json.

    Raises:
        InputError: if the model is compiled, or a weight is not finite.
    """
    if getattr(model, "optimizer", None) is not None:
        raise InputError(
            "Weights are published from a model without an optimizer. "
            f"Received: {model.name}, compiled. Build it afresh and copy the weights."
        )
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise InputError(
                f"Weights must be finite. Received: {weight.path}. Train again."
            )
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.weights.h5")
        model.save_weights(plain)
        with replace_atomically(path) as temporary:
            _copy(plain, temporary, dtype)
    return {"file": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}


def _fits(value, dtype):
    if dtype != "float16":
        return True
    return value.size >= FEW and np.abs(value).max() <= LARGEST_FLOAT16


def _copy(source, destination, dtype):
    """Copies groups, attributes and data sets; float32 becomes `dtype` if it fits."""
    with h5py.File(source, "r") as old, h5py.File(destination, "w") as new:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            else:
                value = item[()]
                if value.dtype == np.float32 and _fits(value, dtype):
                    value = value.astype(dtype)
                made = new.create_dataset(name, data=value)
            made.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
