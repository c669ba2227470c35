"""Segmentation of one prepared case: windows, both sides of the head, classes."""

import numpy as np
from scipy import ndimage
from scipy.special import entr

from medzoo.errors import InputError
from medzoo.inference.engine import engine_of
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sliding_window import sliding_window

WINDOW = {"window_size": (96, 96, 96), "overlap": 0.25}
# What the strides of a network divide; a small volume is padded up to it at most.
MULTIPLE = 16


def segment(model, x, recipe, *, engine=None, probabilities=False, progress=None):
    """Gives every voxel of one prepared case its class.

    Args:
        model: Keras model giving logits `(batch, x, y, z, num_classes)`.
        x: `(x, y, z, channels)` float32, as the recipe prepares it.
        recipe: dict. Postprocessing steps: "sliding_window" (window_size, overlap),
            "mirror" (axis): the mean over the case and its mirror image, and
            "largest_component": labels apart from the largest connected part of all
            that is not background become background.
        engine: callable from `(n, x, y, z, channels)` to probabilities, as
            `engine_of(model, softmax=True)` gives, which None stands for.
        probabilities: bool, whether to keep the probabilities of all classes, which
            takes `2 * num_classes` bytes a voxel.
        progress: callable `(done, total)` or None.

    Returns:
        labels `(x, y, z)` uint8, entropy `(x, y, z)` float16 from 0 (sure) to 1 (all
        classes alike), and probabilities `(x, y, z, num_classes)` float16 or None.

    Raises:
        InputError: if the network answers with numbers that are not finite.
    """
    window = {**WINDOW, **(step_arguments(recipe, "sliding_window") or {})}
    largest = zip(window["window_size"], x.shape[:3], strict=True)
    size = [min(w, _multiple(n)) for w, n in largest]
    mirrored = step_arguments(recipe, "mirror")
    count = len(recipe["class_names"])
    ask = engine or engine_of(model, softmax=True)

    def finish(blended):
        kept = np.empty((*blended.shape[:3], 2 + probabilities * count), np.float16)
        kept[..., 0] = blended.argmax(-1)
        # As a share of the largest possible, that of classes all alike.
        kept[..., 1] = entr(blended).sum(axis=-1) / np.log(count)
        if probabilities:
            kept[..., 2:] = blended
        return kept

    found = sliding_window(
        lambda batch: _probabilities(ask, batch, mirrored),
        x,
        window_size=size,
        overlap=window["overlap"],
        finish=finish,
        progress=progress,
    )
    if not np.isfinite(found).all():
        raise InputError(
            "The model must answer with finite numbers. Received: probabilities that "
            "are not. Check the intensities."
        )
    labels = found[..., 0].astype(np.uint8)
    if step_arguments(recipe, "largest_component") is not None:
        labels = largest_component(labels)
    return labels, found[..., 1], found[..., 2:] if probabilities else None


def _probabilities(ask, batch, mirrored):
    """What the network answers, over both sides of the head if `mirrored`."""
    found = ask(batch)
    if mirrored is None:
        return found
    axis = 1 + mirrored["axis"]
    return (found + np.flip(ask(np.flip(batch, axis)), axis)) / 2


def largest_component(labels):
    """Returns the labels with all but their largest connected part set to 0.

    Args:
        labels: `(x, y, z)` integers, 0 the background. Voxels that share a face are
            connected, whatever their labels.
    """
    parts, count = ndimage.label(labels > 0)
    if count < 2:
        return labels
    largest = 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return np.where(parts == largest, labels, 0).astype(labels.dtype)


def volumes_ml(labels, spacing, class_names):
    """Returns the volume of each class but the background, in millilitres.

    Args:
        labels: `(x, y, z)` integers.
        spacing: three floats, mm.
        class_names: list of str, background first.

    Returns:
        dict of str -> float.
    """
    counts = np.bincount(labels.ravel(), minlength=len(class_names))
    voxel = float(np.prod(spacing)) / 1000
    named = zip(class_names[1:], counts[1:], strict=True)
    return {name: float(count) * voxel for name, count in named}


def _multiple(size):
    return -(-size // MULTIPLE) * MULTIPLE
