"""A network run by OpenVINO: exported once, compiled for each shape."""

import logging
import os
import sys
import tempfile
import threading
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.exported_cache import FILES, keep, kept, key_of

# The plugin's own default is a reduced precision, so that it is always named.
PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}
# Fixed shapes run about a tenth faster than open ones, and compile in 0.2 s; each
# holds the memory of a pass through the network.
MOST_SHAPES = 2
PACKAGES = ("openvino", "keras")


class OpenVINOEngine:
    """Runs a Keras model with OpenVINO on the CPU.

    Each call compares the weights with those that were exported, which takes a few
    milliseconds, and exports again when they have changed.

    Args:
        network: a functional Keras model with one output.
        precision: str, a key of `PRECISION_HINTS`. A CPU without bfloat16 computes
            with float32 instead.
    """

    def __init__(self, network, precision):
        self._network = network
        self._precision = precision
        self._turn = threading.Lock()
        self._weights = None
        self._exported = None

    def __call__(self, batch):
        """Runs the network.

        Args:
            batch: `(n, ...)` float32 array.

        Returns:
            float32 array.

        Raises:
            InputError: if the network has an operation that OpenVINO does not.
        """
        with self._turn:
            self._follow_weights()
            exported = self._exported
        return exported(batch)

    def _follow_weights(self):
        if self._weights is not None and _has(self._network, self._weights):
            return
        # Copies: what Keras gives may be a view of what `fit` writes to.
        weights = [array.copy() for array in _weights_of(self._network)]
        self._weights = None
        graph = _exported(self._network, weights)
        self._exported = ExportedNetwork(graph, self._precision)
        # A thread may have gone on training meanwhile: the next call looks again.
        if _has(self._network, weights):
            self._weights = weights


class ExportedNetwork:
    """An exported network, compiled for each shape that it is asked with.

    Args:
        graph: `openvino.Model` with one input and one output.
        precision: str, a key of `PRECISION_HINTS`.
    """

    def __init__(self, graph, precision):
        self._graph = graph
        self._precision = precision
        self._turn = threading.Lock()
        self._requests = OrderedDict()

    def __call__(self, batch):
        """Runs the network: `(n, ...)` float32 array -> float32 array."""
        batch = np.ascontiguousarray(batch, np.float32)
        # Threads take turns: one run uses all cores.
        with self._turn:
            request = self._request_for(batch.shape)
            return request.infer({0: batch}, share_inputs=True)[0]

    def _request_for(self, shape):
        if shape not in self._requests:
            while len(self._requests) >= MOST_SHAPES:
                self._requests.popitem(last=False)
            self._requests[shape] = self._compiled(shape).create_infer_request()
        self._requests.move_to_end(shape)
        return self._requests[shape]

    def _compiled(self, shape):
        openvino = import_openvino()
        fixed = self._graph.clone()
        fixed.reshape(list(shape))
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[self._precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        # The limit that `medzoo ... --threads` sets for TensorFlow.
        if threads := os.environ.get("TF_NUM_INTRAOP_THREADS"):
            settings["INFERENCE_NUM_THREADS"] = int(threads)
        return openvino.Core().compile_model(fixed, "CPU", settings)


def import_openvino():
    """Returns the package, imported without its telemetry.

    It comes with `openvino_telemetry`, which by default reports each import and
    conversion to its maker, and leaves a file in the home folder. Without that
    package OpenVINO works as well: here it is as if it were not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


def _exported(network, weights):
    """The `openvino.Model` of a network, from the cache where it is there."""
    import keras

    key = key_of(network, weights, (*PACKAGES, keras.backend.backend()))
    folder = None if key is None else kept(key)
    if folder is not None:
        return _read(folder / FILES[0])
    with tempfile.TemporaryDirectory() as folder:
        found = _export(network, Path(folder) / "saved_model")
        if key is not None and _has(network, weights):
            _keep(key, found, folder)
        return found


def exported_once(key, make):
    """Returns an exported network from the cache; makes and keeps it where it is not.

    Args:
        key: str, which says all that decides the network.
        make: callable without arguments -> functional Keras model with one output.

    Returns:
        `openvino.Model`.

    Raises:
        InputError: if the network has an operation that OpenVINO does not.
    """
    folder = kept(key)
    if folder is not None:
        return _read(folder / FILES[0])
    with tempfile.TemporaryDirectory() as folder:
        found = _export(make(), Path(folder) / "saved_model")
        _keep(key, found, folder)
        return found


def _keep(key, found, folder):
    paths = [Path(folder) / name for name in FILES]
    import_openvino().serialize(found, *paths)
    keep(key, folder)


def _export(network, folder):
    """By way of a SavedModel, which the runtime reads: faster than Keras' own."""
    try:
        with _quiet_tensorflow():
            network.export(str(folder), format="tf_saved_model", verbose=False)
        return _read(folder)
    # Raised by Keras and OpenVINO for unsupported operations.
    except _refusals() as error:
        raise InputError(
            "The engine openvino needs a network that Keras can export. "
            f"Received: {network.name}, which it cannot: {_reason(error)}. "
            "Use engine='keras'."
        ) from error


@contextmanager
def _quiet_tensorflow():
    """TensorFlow tells where it wrote, which is a temporary folder."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read(path):
    core = import_openvino().Core()
    # No map of the file: the folder may be gone while the network still runs.
    core.set_property({"ENABLE_MMAP": False})
    return core.read_model(path)


def _refusals():
    frontend = import_openvino().frontend
    names = ("GeneralFailure", "InitializationFailure", "NotImplementedFailure")
    names = (*names, "OpConversionFailure", "OpValidationFailure")
    of_openvino = (getattr(frontend, name) for name in names)
    return (RuntimeError, TypeError, ValueError, *of_openvino)


def _reason(error):
    """The line that names the operation, or else the first."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "for operations" in line]
    return (named or lines or [repr(error)])[0]


def _weights_of(network):
    return [weight.numpy() for weight in network.weights]


def _has(network, weights):
    """Whether a network's weights are these, bit by bit."""
    return all(map(_same, _weights_of(network), weights))


def _same(one, other):
    # As bytes: a NaN is equal to itself.
    return one.shape == other.shape and np.array_equal(_bytes(one), _bytes(other))


def _bytes(array):
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
