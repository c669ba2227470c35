"""CompiledPipeline: a chain of layers compiled by XLA, for data pipelines."""

from functools import partial
from inspect import signature

import keras
from keras import ops

from medzoo.layers.volume_layer import LABELS, VOXELWISE, VolumeLayer


class CompiledPipeline:
    """Applies a chain of layers, the work on voxels of each compiled for its shapes.

    As `keras.layers.Pipeline`, several times faster: a warp, a curve or a field becomes
    one loop over the voxels. Random draws are made outside the compiled parts, so that
    a seed gives the numbers that it gives without compiling; voxels differ by rounding.

    Each shape is compiled once, which takes about a second a chain: crop or pad volumes
    of many sizes to one first, and put batches of one size or single volumes through.
    In a `keras.Model` use the layers themselves; compiling is up to the model there.

    Args:
        layers: list of layers, or a `keras.layers.Pipeline` or `keras.Sequential`.

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

    def __init__(self, layers):
        self.layers = list(getattr(layers, "layers", layers))
        for layer in self.layers:
            if not isinstance(layer, keras.layers.Layer):
                raise ValueError(
                    "CompiledPipeline takes Keras layers. "
                    f"Received: layers={self.layers}."
                )
        self._compiled = {
            training: [_compiled(layer, training) for layer in self.layers]
            for training in (True, False)
        }

    def __reduce__(self):
        # Compiled code does not travel to another process; it is made anew there.
        return type(self), (self.layers,)

    def __call__(self, data, training=True):
        """Sends volumes through all layers.

        Args:
            data: tensor or dict, as the layers are called with: one volume or a batch.
            training: bool, whether random layers draw. Defaults to True.

        Returns:
            As `data`, tensors of the backend.
        """
        training = bool(training)
        data = _tensors(data)
        for layer, compiled in zip(self.layers, self._compiled[training], strict=True):
            if isinstance(layer, VolumeLayer):
                drawn = layer.get_random_transformation(data, training)
                data = _apply(layer, compiled, data, drawn, training)
            else:
                data = compiled(data)
        return data


def _apply(layer, compiled, data, drawn, training):
    if not isinstance(data, dict):
        return compiled(data, drawn)
    # Names and labels of cases may be strings, which XLA does not know.
    voxels = {key: value for key, value in data.items() if key in VOXELWISE}
    changed = {**data, **compiled(voxels, drawn)}
    if LABELS in data and drawn is not None:
        changed[LABELS] = layer.transform_labels(data[LABELS], drawn, training)
    return changed


def _tensors(data):
    if not isinstance(data, dict):
        return ops.convert_to_tensor(data)
    return {
        key: ops.convert_to_tensor(value) if key in VOXELWISE else value
        for key, value in data.items()
    }


def _compiled(layer, training):
    if isinstance(layer, VolumeLayer):
        return _jit(partial(layer.apply_transformation, training=training))
    if "training" in signature(layer.call).parameters:
        return _jit(partial(layer, training=training))
    return _jit(layer)


def _jit(function):
    """Returns `function` compiled by XLA once a shape, where the backend can."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function
