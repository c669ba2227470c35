"""FeedScans: the scans of a `PatchFeed`, with what label maps they have."""

import hashlib
import json

import keras
import numpy as np

from medzoo.data.cases.label_check import (
    check_label_place,
    first_image,
    read_whole_labels,
)
from medzoo.data.compiled.traced_layers import TracedLayers
from medzoo.data.feeds.label_positions import class_positions
from medzoo.data.store.prepared_cases import IMAGE, LABELS, Preparation
from medzoo.preprocess import Preprocessor


class FeedScans(Preparation):
    """Brings a scan and its label map onto one grid, and the scan through layers.

    It gives `image` `(x, y, z, channels)`, and where the case has a target `labels`
    `(x, y, z)`, `positions` and `classes`, see `class_positions`.

    Args:
        channels: list of dict `{"name", "required"}`.
        spatial: list of spatial steps (see `medzoo.spatial.chain.SpatialChain`).
        layers: list of Keras layers that see each whole volume once.
        dtype: str, of the images that are kept.
    """

    def __init__(self, channels, spatial, layers, dtype):
        self._dtype = np.dtype(dtype)
        self._layers = TracedLayers(layers)
        self._preprocessor = Preprocessor({"spatial": spatial}, channels)
        settings = [_facts(layer) for layer in layers]
        self._facts = [list(spatial), channels, settings, self._dtype.name]

    def files(self, case, way=0):
        """The images, and the label map if there is one."""
        labels = [] if case.target is None else [case.folder / case.target]
        return [*super().files(case), *labels]

    def facts(self, case, way=0):
        """Steps, channels, layers and type."""
        return self._facts

    def __call__(self, case, way=0):
        """Reads and prepares a case.

        Raises:
            InputError: for a case that cannot be worked on.
        """
        gathered = self._preprocessor.gather(case.images)
        placed, undo = self._preprocessor.place(gathered)
        image = self._layers(placed.array)
        arrays = {IMAGE: np.ascontiguousarray(image, self._dtype)}
        if case.target is not None:
            labels = read_whole_labels(case)
            labels = labels.with_array(np.asarray(labels.array, np.int32))
            check_label_place(gathered, labels, first_image(case), case.target)
            labels = undo.place_labels(labels).array
            # In as few bytes as hold them.
            labels = labels.astype(np.min_scalar_type(int(labels.max())))
            arrays |= {LABELS: labels, **class_positions(labels)}
        return arrays


def _facts(layer):
    """What decides what a layer does, plain JSON; its name does not."""
    kind = type(layer)
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    config = json.loads(json.dumps(config, default=_plain))
    # Neither random seeds nor metrics are among a layer's weights.
    weights = [_hash(keras.ops.convert_to_numpy(w)) for w in layer.weights]
    return [f"{kind.__module__}.{kind.__qualname__}", config, weights]


def _plain(value):
    """As JSON has it: all numbers of an array, which its text leaves out."""
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    is_array = isinstance(value, np.ndarray | np.generic)
    return value.tolist() if is_array else str(value)


def _hash(array):
    kind = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(kind + array.tobytes()).hexdigest()
