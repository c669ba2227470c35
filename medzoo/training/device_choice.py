"""Chooses the devices of a training by their number and the backend of Keras."""

import os

import keras

from medzoo.errors import InputError
from medzoo.training.devices import OneDevice, parts_of
from medzoo.training.mirrored_devices import MirroredDevices
from medzoo.training.parallel_devices import ParallelDevices

# By these Keras and TensorFlow are told that a process is one of several.
OF_PROCESSES = ("KERAS_DISTRIBUTION_NUM_PROCESSES", "TF_CONFIG")


def devices_of(number, batch_size=None, log=None):
    """Returns the devices that a training uses.

    Args:
        number: int or None for 1.
        batch_size: int or None, of the training, to say where it fits them badly.
        log: callable taking a line, or None.

    Raises:
        InputError: for less than 1, more than there are, a process that is one of
            several, or a backend of Keras for which steps on several are not made.
    """
    if number is None:
        return OneDevice()
    backend = keras.backend.backend()
    _check(number, backend)
    if number == 1:
        return OneDevice()
    kind = ParallelDevices if backend == "jax" else MirroredDevices
    names = kind.names()
    if number > len(names):
        raise InputError(
            "A training cannot use more devices than Keras sees. Received: "
            f"devices={number}, there are {len(names)} ({', '.join(names[:8])}). "
            "See docs/guides/gpu.md."
        )
    if log is not None:
        log(f"training on {number} devices: {', '.join(names[:number])}")
        if batch_size and (parts := parts_of(batch_size, number)) < number:
            log(f"a batch of {batch_size} is computed in {parts} parts: others repeat")
    return kind(names[:number])


def _check(number, backend):
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError(
            "`devices` must be a whole number of at least 1. "
            f"Received: devices={number!r}."
        )
    if number == 1:
        return
    if backend not in ("tensorflow", "jax"):
        raise InputError(
            "Training on several devices is made for TensorFlow and JAX. "
            f"Received: devices={number}, backend {backend}. Set KERAS_BACKEND."
        )
    for variable in OF_PROCESSES:
        if os.environ.get(variable, "1") != "1":
            raise InputError(
                "The devices of a training must belong to one process. Received: "
                f"{variable}={os.environ[variable]!r}. Unset it, and use the devices "
                "of one machine."
            )
