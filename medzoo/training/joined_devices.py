"""Devices of several processes that train one network together, with JAX."""

import hashlib
import json
import tempfile
from pathlib import Path

import keras
import numpy as np

from medzoo.errors import InputError
from medzoo.training.jax_processes import (
    bytes_of_first,
    devices_by_process,
    gathered,
    process_count,
    process_index,
)
from medzoo.training.parallel_devices import ParallelDevices

# What a run is resumed from.
STATES = ("epoch-*.npz", "best.npz", "network.*", "start.weights.h5")
CHUNK_BYTES = 64 * 2**20


class JoinedDevices(ParallelDevices):
    """Steps whose batch is sharded over the devices of all processes.

    Every process makes the same batches and gives its own devices their part. All keep
    the same state; the first writes it to the output folder, the others to a temporary
    one, so that nothing need be on a common disk.

    Args:
        names: list of str, as `names` gives them.

    Raises:
        InputError: if processes cannot have equally many of them.
    """

    def __init__(self, names):
        self._process, self._processes = process_index(), process_count()
        if len(names) % self._processes:
            raise InputError(
                "Processes that train together use equally many devices. Received: "
                f"devices={len(names)}, {self._processes} processes. Use a multiple."
            )
        # Neighbouring parts of a batch belong to one process.
        super().__init__(
            [n for p in range(self._processes) for n in names[p :: self._processes]]
        )
        self._distribution.processes = self._processes
        self.tells = self._process == 0
        self._temporary = None

    @staticmethod
    def names():
        """Returns the names of devices, as many of each process, in turns."""
        turns = zip(*devices_by_process(), strict=False)
        return [name for turn in turns for name in turn]

    def stepper(self, model):
        """See `OneDevice`; the batch is the whole one."""

        def step(batch):
            size = len(keras.tree.flatten(batch[0])[0])
            self._distribution.batch_size = size
            shares = min(self.parts_of(size), self._processes)
            # Of fewer parts than processes several compute the same one.
            share = self._process * shares // self._processes
            low, high = (size * end // shares for end in (share, share + 1))
            own = keras.tree.map_structure(lambda array: array[low:high], batch)
            with self.scope():
                return model.train_on_batch(*own, return_dict=True)

        return step

    def folder_of(self, output):
        """See `OneDevice`."""
        if self._process == 0:
            return output
        if self._temporary is None:
            prefix = f"medzoo-process-{self._process}-"
            self._temporary = tempfile.TemporaryDirectory(prefix=prefix)
        return Path(self._temporary.name)

    def share(self, runs, facts):
        """See `OneDevice`."""
        text = json.dumps(facts, sort_keys=True).encode()
        digests = gathered(np.frombuffer(hashlib.sha256(text).digest(), np.uint8))
        if (digests != digests[0]).any():
            raise InputError(
                "Processes that train together need the same recipe and the same "
                f"cases. Received: others in process {self._process} or another one. "
                "Compare versions, tables and files, and the precision."
            )
        files = []
        if self._process == 0:
            found = (path for state in STATES for path in sorted(runs.rglob(state)))
            files = [[str(p.relative_to(runs)), p.stat().st_size] for p in found]
        for name, size in json.loads(_from_first(json.dumps(files).encode())):
            self._copy(runs / name, size)

    def agree(self, flag):
        """See `OneDevice`."""
        return bool(gathered([bool(flag)]).any())

    def _copy(self, path, size):
        """Brings a file of the first process to all others."""
        path.parent.mkdir(parents=True, exist_ok=True)
        first = self._process == 0
        with path.open("rb" if first else "wb") as file:
            for start in range(0, size, CHUNK_BYTES):
                length = min(CHUNK_BYTES, size - start)
                chunk = bytes_of_first(file.read(length) if first else bytes(length))
                if not first:
                    file.write(chunk)


def _from_first(content):
    """Returns the bytes that the first process has, of any length."""
    (length,) = np.frombuffer(
        bytes_of_first(np.array([len(content)], np.int64).tobytes()), np.int64
    )
    return bytes_of_first(content.ljust(length)[:length])
