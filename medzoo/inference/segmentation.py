"""Segmentation: a class for every voxel, by windows and on both sides of the head."""

import numpy as np

from medzoo.errors import InputError, RecipeError
from medzoo.inference.engine import engine_of
from medzoo.inference.fitted_window import fitted_window, within
from medzoo.inference.guided_labels import as_input_of, choose, guide_of
from medzoo.inference.label_volumes import label_type, volumes_ml
from medzoo.inference.largest_component import largest_component
from medzoo.inference.memory_plan import network_bytes, window_voxels
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sides import published_classes, signed_distance, split_sides
from medzoo.inference.sliding_window import sliding_window
from medzoo.inference.spread import entropy_of
from medzoo.inference.stitched_windows import stitch_windows
from medzoo.inference.task import Task

# Arguments of the step "sliding_window", and their defaults.
WINDOW = {
    "window_size": (96, 96, 96),
    "overlap": 0.25,
    "weighting": "gaussian",
    "batch_size": None,
    "skip_empty": False,
    "fit": False,
    "whole": False,
}
# Voxels by which a scan is moved to see how a segmentation depends on it.
MOVED_BY = 3


class Segmentation(Task):
    """A label map on the grid of the scan, and the volume of each class."""

    gives_images = True
    gives_labels = True
    gives_probabilities = True
    uncertainties = ("interval", "entropy", "tta")

    def network(self, x):
        """Returns labels, entropy or None, and probabilities or None."""
        settings = self.settings
        if settings.probabilities and self.step("sides") is not None:
            raise InputError(
                "Probabilities of regions cannot be given: the network does not "
                "distinguish sides. Received: probabilities=True for "
                f"{self.recipe['name']}. Leave them out."
            )
        moved, entropy = settings.uncertainty == "tta", self._has_entropy
        probabilities = settings.probabilities or moved
        stitched = is_stitched(self.recipe) and not (probabilities or entropy)
        run = settings.engine_of(self.model, softmax=not stitched, classes=stitched)
        array = self.normalize(x.array[None])[0]
        if self.step("guide") is not None and not (probabilities or entropy):
            return self._guided(x, array), None, None
        if not (probabilities or entropy):
            labels = self._labels(self.model, self.recipe, array, run)
            return labels, None, None
        y = segment(
            self.model,
            array,
            self.recipe,
            engine=run,
            probabilities=probabilities,
            entropy=entropy,
            progress=settings.progress,
        )
        y = self._averaged(array, y, run) if moved else y
        if self.step("guide") is not None:
            y = (self._guided(x, array), *y[1:])
        return y

    def postprocess(self, y):
        """Leaves labels as they are; `restore` distinguishes sides."""
        return y

    def restore(self, found, undo):
        """Brings labels back by vote, all else linearly, and measures volumes."""
        labels, entropy, shares = found
        sides = self.step("sides")
        if sides is not None:
            across = signed_distance(undo.to_atlas, labels.shape)
            spacing = np.linalg.norm(undo.grid.affine[:3, :3], axis=0)
            labels = split_sides(labels, across, spacing, **sides)
        names, codes = published_classes(self.recipe)
        labels = undo(labels, interpolation="vote")
        if entropy is not None:
            entropy = undo(entropy, interpolation="linear")
        return {
            "labels": labels,
            "volumes_ml": volumes_ml(labels.array, labels.affine, names, codes),
            "class_names": names,
            "codes": codes,
            "probabilities": None if shares is None else undo_each(undo, shares),
            "uncertainty": entropy,
        }

    def volumes_of(self, labels, fields):
        """Measures the classes of a label map."""
        names, codes = fields["class_names"], fields["codes"]
        return volumes_ml(labels.array, labels.affine, names, codes)

    def _guided(self, x, array):
        """Labels whose tissue is that which the guide finds there."""
        step, settings = self.step("guide"), self.settings
        guide = guide_of(self.model, self.recipe, step["model"])
        engine = settings.engine_of(guide, softmax=True)
        own = as_input_of(guide, x.array)
        tissue = self._labels(guide, guide.recipe, own, engine)
        groups = tuple(dict.fromkeys(map(tuple, step["classes"])))
        best = stitch_windows_of(
            settings.engine_of(self.model, classes=groups),
            array,
            self.recipe,
            settings.progress,
        )
        return choose(best, tissue, [groups.index(tuple(c)) for c in step["classes"]])

    def _labels(self, model, recipe, array, engine):
        """Labels of a network; several models of a run may ask for the same."""

        def compute():
            progress = self.settings.progress
            options = {"engine": engine, "entropy": False, "progress": progress}
            return segment(model, array, recipe, **options)[0]

        if self.answers is None:
            return compute()
        return self.answers.labels(recipe, self.settings, array, compute)

    @property
    def _has_entropy(self):
        return self.settings.uncertainty in ("entropy", "tta")

    def _averaged(self, array, y, run):
        """The entropy of the mean with a scan moved by some voxels, for that of one."""
        labels, _, shares = y
        # Not a multiple of the network's strides: they fall on other voxels then.
        moved = np.pad(array, [(MOVED_BY, 0)] * 3 + [(0, 0)])
        _, _, other = segment(
            self.model,
            moved,
            self.recipe,
            engine=run,
            probabilities=True,
            entropy=False,
        )
        other = other[MOVED_BY:, MOVED_BY:, MOVED_BY:]
        total = shares.astype(np.float32) + other
        entropy = entropy_of(total / 2).astype(np.float16)
        return labels, entropy, shares if self.settings.probabilities else None


def segment(
    model,
    x,
    recipe,
    *,
    engine=None,
    probabilities=False,
    entropy=True,
    memory_limit=None,
    progress=None,
):
    """Predicts the class of every voxel of a scan on the network's grid.

    Args:
        model: Keras model giving logits `(batch, x, y, z, num_classes)`.
        x: `(x, y, z, channels)` float32, as the recipe prepares it.
        recipe: dict. Postprocessing steps: "sliding_window" (window_size, overlap,
            weighting: "gaussian", "constant", or "nearest", see
            `medzoo.inference.stitched_windows`, where no probabilities are asked for;
            batch_size, windows at once; skip_empty, whether windows in which
            the scan is 0 everywhere are background without asking the network; fit,
            whether windows may be a third shorter or longer along an axis, where that
            covers the case with fewer voxels; whole, whether they may be as large as
            memory allows, up to all of the case at once; see
            `medzoo.inference.fitted_window`),
            "mirror" (axis): the mean over the case and its mirror image, and
            "largest_component": labels apart from the largest connected part of all
            that is not background become background.
        engine: callable that runs the model and gives probabilities, of
            `medzoo.inference.engine.engine_of(model, ..., softmax=True)`, or None for
            Keras itself.
        probabilities: bool, whether to keep the probabilities of all classes, which
            takes `2 * num_classes` bytes a voxel.
        entropy: bool, whether to give the entropy, which takes time.
        memory_limit: int, bytes that all this may take, or None for what is free.
        progress: callable `(done, total)` or None.

    Returns:
        labels `(x, y, z)` uint8 (of more than 256 classes uint16), entropy `(x, y, z)`
        float16 from 0 (certain) to 1 (all classes alike) or None, and probabilities
        `(x, y, z, num_classes)` float16 or None.

    Raises:
        InputError: if the network's output is not finite.
        RecipeError: for an unknown argument of "sliding_window".
        ResourceError: with the plan of what is held, if that is more than allowed.
    """
    window = _window_arguments(recipe)
    count = len(recipe["class_names"])
    size = _window_size(recipe, x.shape[:3], memory_limit)
    whole = window.pop("whole")
    for settled in ("window_size", "fit"):
        del window[settled]
    if is_stitched(recipe):
        if not (probabilities or entropy):
            labels = _stitched(model, x, recipe, engine, progress)
            return labels, None, None
        window["weighting"] = "gaussian"
    background = np.eye(count, dtype=np.float32)[0]
    found = sliding_window(
        _both_sides(
            engine or engine_of(model, softmax=True), step_arguments(recipe, "mirror")
        ),
        x,
        window_size=size,
        empty=background if window.pop("skip_empty") else None,
        # A mark says of the whole case that a channel is there.
        keep_marks=whole,
        finish=_finish(probabilities, entropy),
        progress=progress,
        outputs=count,
        kept_bytes=label_type(count).itemsize + 2 * (entropy + count * probabilities),
        network_bytes=network_bytes(size, count),
        memory_limit=memory_limit,
        **window,
    )
    found = list(found)
    labels = found.pop(0)
    if step_arguments(recipe, "largest_component") is not None:
        labels = largest_component(labels)
    entropy = found.pop(0) if entropy else None
    return labels, entropy, found.pop(0) if probabilities else None


def is_stitched(recipe):
    """Whether a recipe's windows lie side by side: weighting "nearest"."""
    return _window_arguments(recipe)["weighting"] == "nearest"


def stitch_windows_of(engine, x, recipe, progress=None):
    """Runs what gives classes over a scan, each voxel by the window about it.

    Args:
        engine: callable, batch -> `(n, x, y, z, outputs)` whole numbers, classes.
        x: `(x, y, z, channels)` float32.
        recipe: dict, with the step "sliding_window".
        progress: callable `(done, total)` or None.

    Returns:
        `(x, y, z, outputs)` uint8, of more than 256 classes uint16.
    """
    window, kind = _window_arguments(recipe), label_type(len(recipe["class_names"]))
    return stitch_windows(
        lambda batch: engine(batch).astype(kind),
        x,
        window_size=_window_size(recipe, x.shape[:3]),
        overlap=window["overlap"],
        progress=progress,
    )


def _window_size(recipe, shape, memory_limit=None):
    """The window that the recipe and the size of a scan ask for, three ints."""
    window = _window_arguments(recipe)
    if not (window["fit"] or window["whole"]):
        return within(window["window_size"], shape)
    count = len(recipe["class_names"])
    most = window_voxels(count, memory_limit) if window["whole"] else None
    return fitted_window(shape, window["window_size"], window["overlap"], most)


def _stitched(model, x, recipe, engine, progress):
    """Labels without probabilities, each voxel by the window about it."""
    engine = engine or engine_of(model, classes=True)
    labels = stitch_windows_of(engine, x, recipe, progress)[..., 0]
    if step_arguments(recipe, "largest_component") is not None:
        labels = largest_component(labels)
    return labels


def _window_arguments(recipe):
    given = step_arguments(recipe, "sliding_window") or {}
    if unknown := sorted(set(given) - set(WINDOW)):
        raise RecipeError(
            f"The step sliding_window takes {sorted(WINDOW)}. "
            f"Received: {', '.join(unknown)}. Check the spelling."
        )
    return {**WINDOW, **given}


def _both_sides(engine, mirrored):
    """The engine, or the mean of its outputs over both sides of the head."""
    if mirrored is None:
        return engine
    axis = 1 + mirrored["axis"]

    def answer(batch):
        found = engine(batch)
        # Not in one batch: it would be no faster and take twice the memory.
        other = engine(np.ascontiguousarray(np.flip(batch, axis)))
        mean = np.add(found, np.flip(other, axis))
        mean *= np.float32(0.5)
        return mean

    return answer


def _finish(probabilities, entropy):
    """What is kept of blended probabilities: classes, entropy, and all if wanted."""

    def finish(blended):
        if not np.isfinite(blended.sum()):
            raise InputError(
                "The model output must not contain NaN or Inf. Received: "
                "probabilities that do. Check the intensities."
            )
        kept = [blended.argmax(-1).astype(label_type(blended.shape[-1]))]
        if entropy:
            kept.append(entropy_of(blended).astype(np.float16))
        if probabilities:
            kept.append(blended.astype(np.float16))
        return tuple(kept)

    return finish


def undo_each(undo, probabilities):
    """Brings probabilities back class by class, `(x, y, z, num_classes)` float16.

    Outside of what the network saw all is background.
    """
    parts = [
        undo(probabilities[..., c], interpolation="linear", background=float(c == 0))
        for c in range(probabilities.shape[-1])
    ]
    stacked = np.stack([part.array.astype(np.float16) for part in parts], -1)
    return parts[0].with_array(stacked)
