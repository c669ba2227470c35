"""Inference backends: one callable from a batch to the network's output."""

import threading
from importlib.util import find_spec
from weakref import WeakKeyDictionary

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.exported_model import ExportedPart
from medzoo.inference.one_output import network_of

# Engine -> the precisions that it can be asked for, its own choice first.
PRECISIONS = {"keras": ("float32",), "openvino": ("float32", "bfloat16")}

# Model -> (engine, precision, whether with softmax) -> callable. Engines hold a model's
# layers and never the model itself, so that both are let go together.
_ENGINES = WeakKeyDictionary()
_MAKING = threading.Lock()


def engine_of(model, *, name="keras", precision=None, softmax=False, classes=False):
    """Returns what runs a network on batches.

    The output is always that of the current weights of the model. The
    callable may be used from several threads; they take turns.

    Args:
        model: a Keras model; of several outputs the first is its answer. Or an
            `ExportedPart`, with the engine "openvino".
        name: str, "keras": Keras' own compiled function of the backend, as the model's
            layers compute (XLA only where the backend is JAX); or "openvino", on CPUs.
        precision: str or None for the engine's own choice, which is "float32". With
            "openvino" also "bfloat16": faster on CPUs that have it, with three digits
            of each number.
        softmax: bool, probabilities over the last axis instead of the output itself,
            as a part of what is compiled.
        classes: bool, the class with the largest output at each voxel instead, as a
            part of what is compiled: of tens of classes that is far less to hand over.
            Or a tuple of groups of classes, tuples of int: the class of each group with
            the largest output.

    Returns:
        callable, `(n, x, y, z, channels)` float32 array -> float32 array of the
        network's answer. Each new shape may be compiled once.

    Raises:
        InputError: for an unknown engine or precision, or, from the
            callable, a network that the engine cannot run.
    """
    check_engine(name, precision)
    if isinstance(model, ExportedPart):
        return model.network(precision or PRECISIONS[name][0], softmax, classes)
    if getattr(model, "inputs", None) is None:
        # No graph to take a part of, such as of a model with a `call` of its own.
        return _without_graph(model, name, softmax, classes)
    kind = (name, precision or PRECISIONS[name][0], bool(softmax), classes)
    with _MAKING:
        engines = _ENGINES.setdefault(model, {})
        if kind not in engines:
            engines[kind] = _made(model, *kind)
        return engines[kind]


def _made(model, name, precision, softmax, classes):
    network = network_of(model, softmax, classes)
    if name == "keras":
        return _KerasEngine(network)
    from medzoo.inference.openvino_engine import OpenVINOEngine

    return OpenVINOEngine(network, precision)


def _without_graph(model, name, softmax, classes):
    if name != "keras":
        raise InputError(
            f"The engine {name} runs functional Keras models. Received: model="
            f"{type(model).__name__}, which has no graph. Use engine='keras'."
        )
    return _KerasEngine(model, softmax, classes)


def check_engine(name, precision=None):
    """Validates the inference backend and its precision.

    Args:
        name: str.
        precision: str or None.

    Raises:
        InputError: for an unknown engine or precision, or an engine that
            is not installed.
    """
    if name not in PRECISIONS:
        raise InputError(
            f"`engine` must be one of {tuple(PRECISIONS)}. Received: engine={name!r}."
        )
    if precision is not None and precision not in PRECISIONS[name]:
        raise InputError(
            f"`precision` of the engine {name} must be one of {PRECISIONS[name]}. "
            f"Received: precision={precision!r}."
        )
    if name == "openvino" and not _is_installed("openvino"):
        raise InputError(
            "The engine openvino needs a package of that name. Received: none is "
            'installed. Install it with pip install ".[openvino]".'
        )


def _is_installed(package):
    try:
        return find_spec(package) is not None
    # `find_spec` raises this for a package that is set to None or has no spec.
    except ValueError:
        return False


class _KerasEngine:
    def __init__(self, network, softmax=False, classes=False):
        self._network = network
        self._softmax = softmax
        self._classes = classes
        self._turn = threading.Lock()

    def __call__(self, batch):
        # On JAX a call writes the model's state back. One uses all cores anyway.
        with self._turn:
            found = self._network.predict_on_batch(batch)
        first = found[0] if isinstance(found, (list, tuple)) else found
        first = np.asarray(first, np.float32)
        if self._classes is True:
            return first.argmax(-1).astype(np.float32)[..., None]
        if self._classes:
            best = [np.take(g, first[..., g].argmax(-1)) for g in self._classes]
            return np.stack(best, axis=-1).astype(np.float32)
        if not self._softmax:
            return first
        from scipy.special import softmax

        return softmax(first, axis=-1)
