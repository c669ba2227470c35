"""Processes that train together, as JAX sees them: joining, and what each knows."""

import os

import numpy as np

from medzoo.errors import InputError

# By these Keras is told that a process is one of several, and where the first is.
PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"


def join_processes():
    """Joins the processes that Keras is told of, where it is on JAX.

    Raises:
        InputError: if the first is not found, or JAX has computed something before.
    """
    import keras

    if os.environ.get(PROCESSES, "1") == "1" or keras.backend.backend() != "jax":
        return
    import jax

    if jax.distributed.is_initialized():
        return
    try:
        keras.distribution.initialize()
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            "Processes that train together must find the first of them, before JAX "
            f"computes anything. Received: {PROCESSES}={os.environ[PROCESSES]}, "
            f"{ADDRESSES}={os.environ.get(ADDRESSES)}: {error}. "
            "See docs/guides/gpu.md."
        ) from error


def process_count():
    """Returns how many processes are joined, 1 where none are."""
    import jax

    return jax.process_count()


def process_index():
    """Returns the number of this process, 0 of the first."""
    import jax

    return jax.process_index()


def devices_by_process():
    """Returns a list of the names of devices for each process, as Keras has them."""
    import jax

    return [
        [f"{d.platform}:{d.id}" for d in jax.devices() if d.process_index == process]
        for process in range(jax.process_count())
    ]


def gathered(array):
    """Returns an array of every process, one after the other along a new axis."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(np.asarray(array)))


def bytes_of_first(content):
    """Returns the bytes that the first process has, of a length that all know."""
    from jax.experimental import multihost_utils

    if not content:
        return content
    array = np.frombuffer(content, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(array)).tobytes()
