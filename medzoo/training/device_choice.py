"""Chooses the devices of a training by their number and the backend of Keras."""

import os

import keras

from medzoo.errors import InputError
from medzoo.training.devices import OneDevice
from medzoo.training.jax_processes import PROCESSES, process_count
from medzoo.training.joined_devices import JoinedDevices
from medzoo.training.mirrored_devices import MirroredDevices
from medzoo.training.parallel_devices import ParallelDevices

# By this TensorFlow is told that a process is one of several.
OF_TENSORFLOW = "TF_CONFIG"


def devices_of(number, batch_size=None, log=None):
    """Returns the devices that a training uses.

    Args:
        number: int or None for 1, or for all where several processes were joined, see
            `medzoo.training.jax_processes`.
        batch_size: int or None, of the training, to say where it fits them badly.
        log: callable taking a line, or None.

    Raises:
        InputError: for less than 1, more than there are, a process that is one of
            several and was not joined to them, or a backend of Keras for which steps on
            several are not made.
    """
    backend = keras.backend.backend()
    processes = process_count() if backend == "jax" else 1
    _check(number, backend, processes)
    if number in (None, 1) and processes == 1:
        return OneDevice()
    kind = _kind(backend, processes)
    names = kind.names()
    number = number or len(names)
    if number > len(names):
        raise InputError(
            "A training cannot use more devices than Keras sees. Received: "
            f"devices={number}, there are {len(names)} ({', '.join(names[:8])}). "
            "See docs/guides/gpu.md."
        )
    devices = kind(names[:number])
    if log is not None:
        of = f" of {processes} processes" if processes > 1 else ""
        log(f"training on {number} devices{of}: {', '.join(names[:number])}")
        if batch_size and (parts := devices.parts_of(batch_size)) < number:
            log(f"a batch of {batch_size} is computed in {parts} parts: others repeat")
    return devices


def _kind(backend, processes):
    if backend != "jax":
        return MirroredDevices
    return ParallelDevices if processes == 1 else JoinedDevices


def _check(number, backend, processes):
    if number is not None and (
        isinstance(number, bool) or not isinstance(number, int) or number < 1
    ):
        raise InputError(
            "`devices` must be a whole number of at least 1. "
            f"Received: devices={number!r}."
        )
    if (number or 1) > 1 and backend not in ("tensorflow", "jax"):
        raise InputError(
            "Training on several devices is made for TensorFlow and JAX. "
            f"Received: devices={number}, backend {backend}. Set KERAS_BACKEND."
        )
    # Each would train alone, and write to one folder.
    told = [PROCESSES] if processes == 1 else []
    told += [OF_TENSORFLOW] if (number or 1) > 1 else []
    for variable in told:
        if os.environ.get(variable, "1") != "1":
            raise InputError(
                "Several processes train together by medzoo.train, with JAX. Received: "
                f"{variable}={os.environ[variable]!r}, backend {backend}. Set "
                "KERAS_BACKEND=jax, or unset it. See docs/guides/gpu.md."
            )
