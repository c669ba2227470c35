"""Keras' old format, .h5: what it can hold of a model, and not more in silence."""

import json
import warnings
from pathlib import Path

import keras

from medzoo.errors import InputError, MedzooWarning
from medzoo.files import replace_atomically


def save_legacy(model, filepath, overwrite=True, include_optimizer=None):
    """Saves a model with its recipe and weights as .h5, for `keras.models.load_model`.

    The old format has one place a name for the optimizer's variables, which members of
    an ensemble share, and does not load losses by name again: a training that shall go
    on is saved as .keras.

    Args:
        model: `VolumeModel`.
        filepath: str or path, ending in .h5 or .hdf5.
        overwrite: bool, whether a file that is there is replaced.
        include_optimizer: bool or None. None leaves it out, with a warning if the model
            was trained with one.

    Raises:
        InputError: if the optimizer is asked for, or a file is there that is to stay.
    """
    import h5py

    if include_optimizer or (not overwrite and Path(filepath).exists()):
        raise InputError(
            "A .h5 file holds no optimizer, and replaces a file only when it may. "
            f"Received: filepath={str(filepath)!r}, overwrite={overwrite}, "
            f"include_optimizer={include_optimizer}. Use model.save('m.keras')."
        )
    optimizer = getattr(model, "optimizer", None)
    trained = optimizer is not None and int(optimizer.iterations) > 0
    if include_optimizer is None and trained:
        warnings.warn(
            f"{filepath} holds no optimizer, whose state .h5 cannot keep: use "
            "model.save('m.keras') to train on",
            MedzooWarning,
            stacklevel=3,
        )
    with replace_atomically(filepath) as temporary:
        keras.Model.save(model, temporary, include_optimizer=False)
        with h5py.File(temporary, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            # Keras writes the bare name of a class, and looks for the registered one.
            config["class_name"] = keras.saving.get_registered_name(type(model))
            file.attrs["model_config"] = json.dumps(config)
