"""The regions that are replaced one by one: labels on the network's grid, and names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.errors import GeometryError, InputError
from medzoo.inference.centiles import reference
from medzoo.inference.predict import task_of
from medzoo.inference.sides import published_classes
from medzoo.inference.standard_result import way_into
from medzoo.spatial import Grid
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.doubt import REGIONS, Doubt
from medzoo.spatial.registration import KINDS
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume
from medzoo.zoo.registry import list_models, read_entry, zoo_folder

OUTSIDE = "outside the brain"
# Whose regions the standard space has, and whose names they are called by.
NAMED_BY = "brain_regions_unet"
REFERENCE = "muse"
AROUND_BRAIN, CEREBROSPINAL_FLUID = 1, 46
STANDARD = ("mni", *(f"mni:{kind}" for kind in KINDS))
USUAL = "mni:deformable"


@dataclass(frozen=True)
class Regions:
    """Labels of what is replaced together.

    Args:
        labels: `(x, y, z)` integers on the network's grid, the place in `names`.
        names: tuple of str, the first for what is in no region.
        source: str, where they come from, for a reader.
        warnings: tuple of str, what makes them doubtful.
    """

    labels: np.ndarray
    names: tuple
    source: str
    warnings: tuple = ()


def regions_of(asked, scan, undo, task):
    """Finds the regions of a scan.

    Args:
        asked: None or one of `STANDARD`, the regions of the standard space, brought to
            the scan by a registration; the name of a segmentation model of the zoo,
            which is run on the scan; or a label map of the scan, path or Volume.
        scan: Volume, the channels of the case on one grid.
        undo: `Undo` of the scan.
        task: `medzoo.inference.task.Task` of the model that is explained.

    Returns:
        `Regions`. Both sides of the brain are one region, and gyri are lobes, but in a
        label map of the user's own.

    Raises:
        InputError: for a name that is none of these, or a label map of no integers.
        GeometryError: for a label map that lies elsewhere than the scan.
    """
    if isinstance(asked, Volume):
        return _of_labels(asked, undo, "the label map that was given")
    asked = USUAL if asked is None else str(asked)
    if asked in STANDARD:
        return _of_standard_space(asked, scan, undo, task.preprocessor.channels)
    if asked in list_models():
        return _of_model(asked, scan, undo, task.preprocessor.channels)
    if not Path(asked).exists():
        raise InputError(
            "`regions` must be a standard space, a segmentation model of the zoo, or "
            f"a label map. Received: regions={asked!r}. Use one of {STANDARD}, "
            f"{NAMED_BY}, or the path of a file."
        )
    from medzoo.io.image_files import read_labels

    return _of_labels(read_labels(asked), undo, "the label map that was given")


def grouped_names():
    """Returns code -> name of the region that it is a part of, of MUSE's codes.

    Sides are left out; gyri are the lobes of the reference of centiles.
    """
    names, codes = published_classes(read_entry(zoo_folder() / NAMED_BY).to_dict())
    found = {}
    for name, code in zip(names[1:], codes[1:], strict=True):
        side, _, rest = name.partition(" ")
        found[code] = rest if side in ("right", "left") else name
    # The fluid around the brain has two codes.
    found.setdefault(CEREBROSPINAL_FLUID, found[AROUND_BRAIN])
    for name, region in reference(REFERENCE).regions.items():
        cortex = name.endswith("cortex") or name == "insula"
        if cortex and len(region["codes"]) > 1:
            found |= dict.fromkeys(region["codes"], name)
    return found


def _of_standard_space(asked, scan, undo, channels):
    kind = asked.partition(":")[2] or "affine"
    way, notes = way_into(asked, scan, channels), ()
    try:
        back = way.inverse()
    except GeometryError:
        # A field that folds space leads nowhere back; its affine part does.
        back = Transform([way.matrix]).inverse()
        notes = ("The deformation of the regions folds: they are placed affinely.",)
    to_scan = undo.warp or Transform([undo.to_source])
    labels = standard_space("mni").regions
    drawn = apply(to_scan.then(back), labels, labels=True, grid=undo.grid)
    source, notes = f"the standard space, {kind}", (*way.warnings, *notes)
    return _named(drawn.array, grouped_names(), source, notes)


def _of_model(name, scan, undo, channels):
    recipe = read_entry(zoo_folder() / name).to_dict()
    if not task_of(recipe, None).gives_labels:
        raise InputError(
            "Regions come from a segmentation model. Received: "
            f"regions={name!r}, which gives no labels. Use {NAMED_BY}."
        )
    needed = [c["name"] for c in recipe["channels"] if c.get("required", True)]
    missing = [channel for channel in needed if channel not in channels]
    if missing:
        raise InputError(
            "A model of regions must take the channels that are there. Received: "
            f"regions={name!r}, which needs {needed}, and {channels}. Use another."
        )
    array = scan.array
    if array.ndim == 4:
        array = array[..., [channels.index(channel) for channel in needed]]
    images = {
        channel: scan.with_array(array if array.ndim == 3 else array[..., place])
        for place, channel in enumerate(needed)
    }
    from medzoo.zoo.load import load

    found = load(name).predict_volume(images)
    labels = undo.place_labels(found.labels).array
    if found.codes is not None:
        return _named(labels, grouped_names(), found.model)
    names = dict(enumerate(found.class_names[1:], 1))
    return _named(labels, names, found.model)


def _of_labels(labels, undo, source):
    if labels.array.ndim != 3 or labels.array.dtype.kind not in "biu":
        raise InputError(
            "A label map of regions must be (x, y, z) of integers. Received: "
            f"shape={labels.array.shape}, dtype={labels.array.dtype}."
        )
    if not _overlaps(labels, undo.source):
        raise GeometryError(
            "A label map of regions must lie on the scan. Received: one that lies "
            "elsewhere in space. Check that both belong to one session."
        )
    placed = undo.place_labels(labels).array
    codes = np.unique(placed[placed > 0])
    names = {int(code): f"label {code}" for code in codes}
    return _named(placed, names, source)


def _overlaps(labels, grid):
    low, high = (
        np.array([corners.min(0), corners.max(0)])
        for corners in (Grid.of(labels).corners(), grid.corners())
    )
    return bool((np.minimum(low[1], high[1]) > np.maximum(low[0], high[0])).all())


def _named(codes, names, source, warnings=()):
    """Regions of one name become one; what has no name is outside."""
    order = tuple(dict.fromkeys(names.values()))
    places = {name: place for place, name in enumerate(order, start=1)}
    size = int(max(codes.max(initial=0), *names, 0)) + 1 if names else 1
    table = np.zeros(max(size, int(codes.max(initial=0)) + 1), np.int32)
    for code, name in names.items():
        table[code] = places[name]
    names = (OUTSIDE, *order)
    doubts = tuple(Doubt(text, REGIONS) for text in warnings)
    return Regions(table[np.maximum(codes, 0)], names, source, doubts)
