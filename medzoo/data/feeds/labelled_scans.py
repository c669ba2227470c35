"""LabelledScans: scans and label maps on the network's grid."""

from pathlib import Path

import numpy as np

from medzoo.data.cases.case_sources import read_sources, source_of, unions_of
from medzoo.data.cases.code_table import read_code_table, recode
from medzoo.data.cases.label_check import check_label_place, first_image
from medzoo.data.cases.label_values import whole_labels
from medzoo.data.feeds.label_positions import class_positions
from medzoo.data.store.prepared_cases import IMAGE, LABELS, Preparation
from medzoo.io.image_files import read_labels
from medzoo.preprocess import Preprocessor
from medzoo.spatial import orient
from medzoo.volume import Volume

# Name of an array: which channels there are, `(channels,)` bool.
PRESENT = "present"
# The layer that marks for the network which channels are present.
MARKS = "MarkChannels"


class LabelledScans(Preparation):
    """Brings a case and its label map onto the network's grid.

    It gives `image` `(x, y, z, channels)` float16, channels that are missing 0, unless
    the case has none; `labels` `(x, y, z)`; `present`; `positions` and `classes`, see
    `class_positions`.

    Args:
        recipe: dict, the recipe's content.
        tables: path of the folder with the recipe's tables of codes, or None.
    """

    def __init__(self, recipe, tables=None):
        self.recipe = recipe
        self.tables = Path() if tables is None else Path(tables)
        training = recipe.get("training", {})
        self.sources = read_sources(training)
        self._unions = unions_of(training)
        self._count = len(recipe["class_names"]) + len(self._unions)

    def source_of(self, case):
        """Returns the `Source` of a case."""
        return source_of(case, self.sources)

    def files(self, case, way=0):
        """The images, the label map, and the table of its codes."""
        codes = self.source_of(case).codes
        tables = [] if codes is None else [self.tables / codes]
        return [*super().files(case), case.folder / case.target, *tables]

    def facts(self, case, way=0):
        """What of the recipe decides about a prepared case."""
        return [
            self.recipe["preprocessing"].get("spatial", []),
            self.recipe["channels"],
            whole_volume_layers(self.recipe),
            self._targets(case),
            self._count,
            list(self._unions),
        ]

    def __call__(self, case, way=0):
        """Reads and prepares a case.

        Raises:
            InputError: for a case that cannot be worked on.
        """
        volume = read_labels(case.folder / case.target)
        labels = Volume(self._classes(volume, self.source_of(case)), volume.affine)
        if case.images:
            arrays = self._placed(case, labels)
        else:
            arrays = {LABELS: orient(labels, "RAS").array}
        names = [channel["name"] for channel in self.recipe["channels"]]
        arrays[PRESENT] = np.array([name in case.images for name in names])
        return arrays | class_positions(arrays[LABELS], self._targets(case))

    def _placed(self, case, labels):
        layers = whole_volume_layers(self.recipe)
        steps = {**self.recipe["preprocessing"], "layers": layers}
        preprocessor = Preprocessor(steps, self.recipe["channels"])
        gathered = preprocessor.gather(case.images)
        check_label_place(gathered, labels, first_image(case), case.target)
        placed, undo = preprocessor.place(gathered)
        image = preprocessor.normalize(placed.array[None])[0].astype(np.float16)
        return {IMAGE: image, LABELS: undo.place_labels(labels).array}

    def _classes(self, volume, source):
        """Labels as classes, or as they are where a synthesis will map their codes."""
        array = whole_labels(volume.array, "the label map")
        if source.codes is not None:
            codes = read_code_table(self.tables / source.codes, self._count)
            return recode(array, codes, self._count)
        if source.synthesis is not None and "targets" in source.synthesis["arguments"]:
            return np.asarray(array, np.int16 if array.max() < 2**15 else np.int32)
        return recode(array, None, self._count)

    def _targets(self, case):
        """What a synthesis makes of codes, by which places are kept; or None."""
        synthesis = self.source_of(case).synthesis
        if case.images or synthesis is None:
            return None
        return synthesis["arguments"].get("targets")


def whole_volume_layers(recipe):
    """The recipe's layers that see a volume before patches are cut, as in prediction.

    `MarkChannels` is not among them: which channels a patch keeps is drawn later.
    """
    layers = recipe["preprocessing"].get("layers", [])
    return [settings for settings in layers if settings["class"] != MARKS]
