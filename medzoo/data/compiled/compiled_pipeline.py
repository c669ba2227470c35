"""CompiledPipeline: a chain of layers compiled by XLA, for data pipelines."""

from collections.abc import Sequence
from functools import partial
from inspect import signature
from threading import Lock
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.volume_layer import LABELS, VOXELWISE, VolumeLayer

# While a layer's seeds are exchanged no other thread may use it.
_SEEDING = Lock()


class CompiledPipeline:
    """Applies a chain of layers, the work on voxels of each compiled for its shapes.

    As `keras.layers.Pipeline`, several times faster: a warp, a curve or a field becomes
    one loop over the voxels. Random draws are made outside the compiled parts, so that
    a seed gives the numbers that it gives without compiling; voxels differ by rounding.

    Each shape is compiled once, which takes seconds: crop or pad volumes of many sizes
    to one first, and put batches of one size or single volumes through.
    In a `keras.Model` use the layers themselves; compiling is up to the model there.

    Args:
        layers: list of layers, or one. A `keras.layers.Pipeline` or `keras.Sequential`
            stands for the layers in it.

    Raises:
        ValueError: for what is not a Keras layer.

    Example:
    >>> augment = medzoo.CompiledPipeline([
    ...     medzoo.layers.RandomSpatial3D(rotation=15, displacement=6),
    ...     medzoo.layers.RandomBiasField(0.2),
    ...     medzoo.layers.RandomNoise(),
    ...     medzoo.layers.RandomGamma(),
    ... ])
    >>> augment({"images": t1, "segmentation_masks": labels})
    >>> dataset = dataset.map(augment, num_parallel_calls=2).batch(4).prefetch(2)
    """

    def __init__(self, layers: Sequence[Any] | Any) -> None:
        self.layers = _flat(layers)
        self._run = {
            training: _traced(partial(_run, self._steps(training), training))
            for training in (True, False)
        }
        self.seed_types = [
            keras.backend.standardize_dtype(getattr(layer, name).state.dtype)
            for layer in self.layers
            if (name := _generator_name(layer))
        ]
        self.run_with_seeds = _pure(partial(_run_seeded, self._steps(True)))

    def __reduce__(self):
        # Compiled code does not travel to another process; it is made anew there.
        return type(self), (self.layers,)

    def _steps(self, training):
        return [(layer, _compiled(layer, training)) for layer in self.layers]

    def __call__(self, data: Any, training: bool = True) -> Any:
        """Sends volumes through all layers.

        Args:
            data: tensor or dict, as the layers are called with: one volume or a batch.
                Entries of a dict that no layer knows (names of cases) are handed on.
            training: bool, whether random layers draw. Defaults to True.

        Returns:
            As `data`, tensors of the backend.
        """
        run = self._run[bool(training)]
        if not isinstance(data, dict):
            return run(ops.convert_to_tensor(data))
        known = (*VOXELWISE, LABELS)
        entries = {k: ops.convert_to_tensor(data[k]) for k in known if k in data}
        return {**data, **run(entries)}


def run_seeded(pipeline, data, generator):
    """Sends one volume or patch through random layers, in any number of threads.

    Args:
        pipeline: `CompiledPipeline`.
        data: tensor or dict, as its layers are called with.
        generator: `numpy.random.Generator`, of which alone all draws follow.

    Returns:
        As `data`, tensors of the backend.
    """
    # (2,) uint32: the whole state of a Keras seed generator.
    count = len(pipeline.seed_types)
    seeds = [generator.integers(0, 2**31 - 1, 2, np.uint32) for _ in range(count)]
    dtype = pipeline.seed_types[0] if count else "int32"
    seeds = ops.convert_to_tensor(np.reshape(seeds, (count, 2)), dtype)
    if isinstance(data, dict):
        data = {key: ops.convert_to_tensor(value) for key, value in data.items()}
    else:
        data = ops.convert_to_tensor(data)
    return pipeline.run_with_seeds(seeds, data)


class _GivenSeeds(keras.random.SeedGenerator):
    """Seeds that follow from a tensor: draws become a function of it, without a state.

    Args:
        state: `(2,)` tensor, as the state of a Keras seed generator.
    """

    def __init__(self, state):
        self.first = state
        self.count = 0

    def next(self, ordered=True):
        """Returns what the generator with this state returns at its next call."""
        step = np.array([0, self.count])
        self.count += 1
        return self.first + ops.convert_to_tensor(step, self.first.dtype)


def _run_seeded(steps, seeds, data):
    """Runs all steps, each layer with its row of `seeds`: `(layers, 2)`.

    On TensorFlow and JAX this is traced once a shape, and what comes of it needs no
    lock: threads augment side by side.
    """
    named = [(layer, _generator_name(layer)) for layer, _ in steps]
    random = [(layer, name) for layer, name in named if name]
    with _SEEDING:
        own = [getattr(layer, name) for layer, name in random]
        try:
            for number, (layer, name) in enumerate(random):
                # Past Keras' tracking: these seeds are no weights of the layer.
                object.__setattr__(layer, name, _GivenSeeds(seeds[number]))
            return _run(steps, True, data)
        finally:
            for (layer, name), generator in zip(random, own, strict=True):
                object.__setattr__(layer, name, generator)


def _generator_name(layer):
    """The attribute with a layer's seeds, or None; Keras has two names for it."""
    names = (name for name in ("generator", "seed_generator") if hasattr(layer, name))
    return next(names, None)


def _flat(layers):
    """The layers of a list, or of what holds layers, one after another."""
    if isinstance(layers, (keras.layers.Pipeline, keras.Sequential)):
        layers = layers.layers
    if isinstance(layers, (list, tuple)):
        return [layer for part in layers for layer in _flat(part)]
    if not isinstance(layers, keras.layers.Layer):
        raise ValueError(
            f"CompiledPipeline takes Keras layers. Received: layers={layers!r}."
        )
    return [layers]


def _run(steps, training, data):
    """Draws for each layer and applies it, compiled."""
    for layer, compiled in steps:
        if isinstance(layer, VolumeLayer):
            data = _draw_and_apply(layer, compiled, data, training)
        else:
            data = compiled(data)
    return data


def _draw_and_apply(layer, compiled, data, training):
    drawn = layer.get_random_transformation(data, training)
    if not isinstance(data, dict):
        return compiled(data, drawn)
    # Labels may be strings, which XLA does not know.
    voxels = {key: value for key, value in data.items() if key != LABELS}
    changed = compiled(voxels, drawn)
    if LABELS in data:
        labels = data[LABELS]
        if drawn is not None:
            labels = layer.transform_labels(labels, drawn, training)
        changed = {**changed, LABELS: labels}
    return changed


def _compiled(layer, training):
    if isinstance(layer, VolumeLayer):
        return _jit(partial(layer.apply_transformation, training=training))
    if "training" in signature(layer.call).parameters:
        if hasattr(layer, "seed_generator"):
            # It draws within its call, from seeds that no other graph may see.
            return partial(layer, training=training)
        return _jit(partial(layer, training=training))
    return _jit(layer)


def _traced(function):
    """Returns `function` as one graph on TensorFlow: small draws cost little there."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    return function


def _pure(function):
    """Returns `function`, of which nothing but its result stays, as one graph.

    On JAX it is compiled with the draws in it: each of their hundred small operations
    would be a call of its own otherwise, one thread at a time.
    """
    if keras.backend.backend() == "jax":
        return _jit(function)
    return _traced(function)


def _jit(function):
    """Returns `function` compiled by XLA once a shape, where the backend can."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # One run of it at a time, in any number of threads: XLA on a CPU gives a
        # reduction to YNNPACK, whose setup writes to a list that all runs share
        # (TensorFlow 2.21), and two at once end the process.
        section = tf.CriticalSection()
        run = tf.function(function, jit_compile=True)
        return lambda *data: section.execute(partial(run, *data))
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function
