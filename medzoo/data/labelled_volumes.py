"""LabelledVolumes: scans and label maps on the network's grid, kept between runs."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from medzoo.data.code_table import read_code_table, recode
from medzoo.data.content import hashes_beside, name_by_content
from medzoo.data.kept_volumes import KeptVolumes
from medzoo.data.label_check import check_label_place, first_image
from medzoo.data.label_values import whole_labels
from medzoo.data.sources import read_sources, source_of, unions_of
from medzoo.errors import InputError
from medzoo.io.image_files import read_labels
from medzoo.preprocess import Preprocessor
from medzoo.spatial import orient
from medzoo.volume import Volume

# Positions kept of every label: enough that patches hardly repeat.
NUM_POSITIONS = 4096
# The layer that tells a network which channels there are.
MARKS = "MarkChannels"


@dataclass(frozen=True)
class LabelledVolume:
    """One case on the network's grid.

    Args:
        image: `(x, y, z, channels)` float16, channels that are missing 0; or None for
            a label map without any.
        labels: `(x, y, z)` integers.
        present: tuple of bool, which channels there are.
        positions: dict of class -> `(n, 3)` int32, some of its voxels.
        to_atlas: `(4, 4)` float64, voxel -> atlas world, mm, or None where the recipe
            registers nothing.
    """

    image: np.ndarray | None
    labels: np.ndarray
    present: tuple
    positions: dict
    to_atlas: np.ndarray | None = None


class LabelledVolumes:
    """The cases of a segmentation, each prepared once.

    Args:
        cases: list of `Case` whose target is the path of a label map.
        recipe: dict, the recipe's content.
        folder: path or None, where prepared volumes lie on disk.
        tables: path of the folder with the recipe's tables of codes, or None.
        mode: str, "memory", "cached" or "streamed", see
            `medzoo.data.kept_volumes.KeptVolumes`.
    """

    def __init__(self, cases, recipe, folder=None, tables=None, mode="memory"):
        self.cases = list(cases)
        self.recipe = recipe
        self.tables = None if tables is None else Path(tables)
        self.sources = read_sources(recipe.get("training", {}))
        # Which source a case is of is known before anything is read.
        self.source_of = [source_of(case, self.sources) for case in self.cases]
        self._hashes = hashes_beside(folder)
        self.kept = KeptVolumes(
            len(self.cases), self._make, self._name_of, mode=mode, folder=folder
        )

    def __len__(self):
        return len(self.cases)

    def get(self, index):
        """Returns a `LabelledVolume`."""
        parts = self.kept.get(index)
        classes, places = parts["classes"], parts["positions"]
        positions = {int(k): places[classes == k] for k in np.unique(classes)}
        present = tuple(parts["present"].tolist())
        own = (parts.get("image"), parts["labels"], present, positions)
        return LabelledVolume(*own, to_atlas=parts.get("to_atlas"))

    def prepare(self, *, workers=2, progress=None):
        """Prepares all cases in processes of their own; progress is `(done, total)`."""
        if self.kept.mode == "streamed":
            return
        todo = [i for i in range(len(self)) if not self.kept.has(i)]
        # Spawned, not forked: TensorFlow's threads do not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            results = pool.map(_arrays_of, [self._task(i) for i in todo])
            for done, (index, arrays) in enumerate(zip(todo, results, strict=True), 1):
                self.kept.put(index, arrays)
                if progress is not None:
                    progress(done, len(todo))

    def _task(self, index):
        return self.cases[index], self.recipe, self.source_of[index], self.tables

    def _make(self, index):
        return _arrays_of(self._task(index))

    def _name_of(self, index):
        """Named by content: another scan or recipe never finds it."""
        case, source = self.cases[index], self.source_of[index]
        paths = [case.images[name] for name in sorted(case.images)]
        paths.append(case.folder / case.target)
        if source.codes is not None:
            tables = Path() if self.tables is None else self.tables
            paths.append(tables / source.codes)
        facts = [
            sorted(case.images),
            self.recipe["preprocessing"].get("spatial", []),
            self.recipe["channels"],
            whole_volume_layers(self.recipe),
            "to_atlas",
            _targets(case, source),
            len(self.recipe["class_names"]),
            *unions_of(self.recipe.get("training", {})),
        ]
        return name_by_content(case.case_id, paths, facts, self._hashes)


def place_labelled(case, recipe, source, tables):
    """Reads a case and its label map and brings both onto the network's grid.

    Args:
        case: `Case`.
        recipe: dict.
        source: `Source` of the case.
        tables: path of the folder with tables of codes, or None.

    Returns:
        image `(x, y, z, channels)` float16 or None, labels `(x, y, z)`, which channels
        are present, and voxel -> atlas world, `(4, 4)`, or None.

    Raises:
        InputError: naming the case, for one that cannot be worked on.
    """
    names = [channel["name"] for channel in recipe["channels"]]
    present = tuple(name in case.images for name in names)
    volume = read_labels(case.folder / case.target)
    try:
        labels = Volume(_classes(volume, recipe, source, tables), volume.affine)
        if not case.images:
            return None, orient(labels, "RAS").array, present, None
        steps = {**recipe["preprocessing"], "layers": whole_volume_layers(recipe)}
        preprocessor = Preprocessor(steps, recipe["channels"])
        gathered = preprocessor.gather(case.images)
        check_label_place(gathered, labels, first_image(case), case.target)
        placed, undo = preprocessor.place(gathered)
        labels = labels_on(placed, undo, labels)
    except InputError as error:
        raise InputError(f"{error} (case {case.case_id})") from error
    image = preprocessor.normalize(placed.array[None])[0]
    return image.astype(np.float16), labels, present, undo.to_atlas


def labels_on(placed, undo, labels):
    """Returns a label map on the grid of an image that went through spatial steps.

    Args:
        placed: Volume, the image after the steps.
        undo: its `Undo`.
        labels: Volume, `(x, y, z)` integers in the world of the image before.

    Returns:
        `(x, y, z)` array of integers.
    """
    # Into the world of the network's grid, should a step have moved it.
    return undo.place_labels(labels).array


def whole_volume_layers(recipe):
    """The recipe's layers that see a volume before patches are cut, as in prediction.

    `MarkChannels` is not among them: which channels a patch keeps is drawn later.
    """
    layers = recipe["preprocessing"].get("layers", [])
    return [settings for settings in layers if settings["class"] != MARKS]


def _classes(volume, recipe, source, tables):
    """The label map as classes, or as it is where a synthesis will map its codes."""
    array = whole_labels(volume.array, "the label map")
    count = len(recipe["class_names"]) + len(unions_of(recipe.get("training", {})))
    if source.codes is not None:
        path = source.codes if tables is None else tables / source.codes
        return recode(array, read_code_table(path, count), count)
    if source.synthesis is not None and "targets" in source.synthesis["arguments"]:
        return np.asarray(array, np.int16)
    return recode(array, None, count)


def _targets(case, source):
    """What a synthesis makes of codes, by which places are kept; or None."""
    if case.images or source.synthesis is None:
        return None
    return source.synthesis["arguments"].get("targets")


def _arrays_of(task):
    """What is kept of a case: dict of name -> array."""
    case, _, source, _ = task
    image, labels, present, to_atlas = place_labelled(*task)
    positions = class_positions(labels, _targets(case, source))
    arrays = {"labels": labels, "present": np.asarray(present)}
    if image is not None:
        arrays["image"] = image
    if to_atlas is not None:
        arrays["to_atlas"] = to_atlas
    return arrays | flat_positions(positions)


def flat_positions(positions):
    """Returns `class_positions` as two arrays: places `(n, 3)` and classes `(n,)`."""
    counts = [len(places) for places in positions.values()]
    return {
        "positions": np.concatenate(list(positions.values())),
        "classes": np.repeat(np.array(list(positions), np.int32), counts),
    }


def class_positions(labels, targets=None):
    """Returns some voxels of every class.

    Args:
        labels: `(x, y, z)` integers.
        targets: dict of code (a str) -> class, or None where labels are classes.
            Codes that it has not are class 0.

    Returns:
        dict of int -> `(n, 3)` int32; the same voxels each time.
    """
    flat = np.ascontiguousarray(labels).ravel()
    if targets is not None:
        table = np.zeros(int(flat.max()) + 1, np.uint8)
        for code, label in targets.items():
            if int(code) < len(table):
                table[int(code)] = label
        flat = table[flat]
    generator = np.random.default_rng(0)
    found = {}
    for label in np.unique(flat):
        index = np.flatnonzero(flat == label)
        if len(index) > NUM_POSITIONS:
            index = index[generator.integers(0, len(index), NUM_POSITIONS)]
        places = np.stack(np.unravel_index(index, labels.shape), 1)
        found[int(label)] = places.astype(np.int32)
    return found
