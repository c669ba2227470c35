"""FeedVolumes: the cases of a `PatchFeed`, each read and preprocessed once."""

import json
from pathlib import Path

import numpy as np

from medzoo.data.cases.label_check import check_label_place, first_image
from medzoo.data.cases.label_values import whole_labels
from medzoo.data.compiled.traced_layers import TracedLayers
from medzoo.data.store.content_hash import hashes_beside, name_by_content
from medzoo.data.store.kept_volumes import KeptVolumes
from medzoo.data.store.labelled_volumes import (
    class_positions,
    flat_positions,
    labels_on,
)
from medzoo.errors import InputError
from medzoo.io.image_files import read_labels
from medzoo.preprocess import Preprocessor
from medzoo.volume import Volume

IMAGE, LABELS = "image", "labels"
# Voxels of every class, by which patches are balanced: (n, 3) int32 and (n,) classes.
POSITIONS, CLASSES = "positions", "classes"


class FeedVolumes:
    """Images and label maps on one grid a case.

    Args:
        cases: list of `Case`; a target is the path of a label map.
        channels: list of dict `{"name", "required"}`.
        spatial: list of spatial steps (see `medzoo.spatial.chain.SpatialChain`).
        layers: list of Keras layers that see each whole volume once.
        dtype: str, of the images that are kept.
        **keeping: `mode`, `folder`, `num_streamed`, `most_ahead`, `workers`, see
            `KeptVolumes`.
    """

    def __init__(self, cases, channels, spatial, layers, dtype, **keeping):
        self.cases = list(cases)
        self.channels = channels
        self.dtype = np.dtype(dtype)
        self.layers = TracedLayers(layers)
        self._preprocessor = Preprocessor({"spatial": spatial}, channels)
        facts = [list(spatial), channels, [_facts(layer) for layer in layers]]
        self._facts = [*facts, self.dtype.name]
        self._hashes = hashes_beside(keeping.get("folder"))
        self.kept = KeptVolumes(len(self.cases), self.make, self.name_of, **keeping)

    def __len__(self):
        return len(self.cases)

    def get(self, number):
        """Returns the arrays of a case, read-only.

        A dict with `image` `(x, y, z, channels)`, and where the case has a target
        `labels` `(x, y, z)`, `positions` `(n, 3)` and `classes` `(n,)`.
        """
        return self.kept.get(number)

    def name_of(self, number):
        """Returns what the prepared case is kept as, by content.

        A change of an image, a label map, a step, a layer or of medzoo makes it anew.
        """
        case = self.cases[number]
        paths = [case.images[name] for name in sorted(case.images)]
        paths += [] if case.target is None else [case.folder / case.target]
        facts = [sorted(case.images), self._facts]
        return name_by_content(case.case_id, paths, facts, self._hashes)

    def make(self, number):
        """Reads and prepares a case; returns its arrays.

        Raises:
            InputError: naming the case, for one that cannot be worked on.
        """
        case = self.cases[number]
        try:
            gathered = self._preprocessor.gather(case.images)
            placed, undo = self._preprocessor.place(gathered)
            image = self.layers(placed.array)
            arrays = {IMAGE: np.ascontiguousarray(image, self.dtype)}
            if case.target is not None:
                arrays |= self._labelled(case, gathered, placed, undo)
        except InputError as error:
            raise InputError(f"{error} (case {case.case_id})") from error
        return arrays

    def _labelled(self, case, gathered, placed, undo):
        volume = read_labels(Path(case.folder) / case.target)
        array = whole_labels(volume.array, case.target)
        labels = Volume(np.asarray(array, np.int32), volume.affine)
        check_label_place(gathered, labels, first_image(case), case.target)
        labels = labels_on(placed, undo, labels)
        return {LABELS: _smallest(labels), **flat_positions(class_positions(labels))}


def _smallest(labels):
    """Labels in as few bytes as hold them."""
    return labels.astype(np.min_scalar_type(int(labels.max())))


def _facts(layer):
    """What decides what a layer does, plain JSON; its name does not."""
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    return [type(layer).__name__, json.loads(json.dumps(config, default=str))]
