"""TracedLayers: layers over whole volumes of many sizes, as one graph."""

import keras
import numpy as np

from medzoo.layers.volume_layer import VolumeLayer


class TracedLayers:
    """Applies layers to one volume after another, without random draws.

    On TensorFlow a layer becomes one graph for all sizes: in it an operation writes
    over what no later one needs. Called one by one they ask for new memory each time,
    which for volumes takes as long as the computing. Layers that are not medzoo's may
    need to know sizes; they are called as they are.

    Args:
        layers: list of Keras layers.
    """

    def __init__(self, layers):
        self.layers = list(layers)
        self._run = [_traced(layer) for layer in self.layers]

    def __reduce__(self):
        # Graphs do not travel to another process; they are made anew there.
        return type(self), (self.layers,)

    def __call__(self, image):
        """Sends a volume through all layers.

        Args:
            image: `(x, y, z, channels)` array.

        Returns:
            Array `(x, y, z, channels)`, as the last layer gives it.
        """
        batch = image[None]
        for run in self._run:
            batch = run(batch)
        return np.asarray(batch)[0]


def _traced(layer):
    def call(batch):
        return layer(batch, training=False)

    if keras.backend.backend() != "tensorflow" or not isinstance(layer, VolumeLayer):
        return call
    import tensorflow as tf

    graph = tf.function(call, reduce_retracing=True, autograph=False)

    def run(batch):
        nonlocal graph
        if graph is not None:
            try:
                return graph(batch)
            except (TypeError, ValueError):
                # It must know sizes, of which a graph for all knows none. Or it refuses
                # this volume, and says so again.
                graph = None
        return call(batch)

    return run
