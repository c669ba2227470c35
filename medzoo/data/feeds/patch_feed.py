"""PatchFeed: batches of augmented patches from a case table."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from medzoo.data.cases.case import Case
from medzoo.data.compiled.compiled_pipeline import CompiledPipeline, run_seeded
from medzoo.data.feeds.boxes import centre_box, cut_box
from medzoo.data.feeds.feed_scans import FeedScans
from medzoo.data.feeds.label_positions import CLASSES, POSITIONS
from medzoo.data.feeds.prefetch import Prefetch
from medzoo.data.store.mixed_groups import MixedGroups
from medzoo.data.store.prepared_cases import IMAGE, LABELS, PreparedCases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError
from medzoo.preprocess import make_layer

IMAGES, MASKS = "images", "segmentation_masks"


class PatchFeed(keras.utils.PyDataset):
    """Batches of patches of the scans in a case table; what `fit` takes.

    Each scan is read, brought onto its grid and normalised once (or, streamed, once an
    epoch); patches are cut at random, augmented and batched. An epoch takes
    `patches_per_volume` patches of every case. Cases come in groups of
    `volumes_at_once`, whose patches are mixed: so few volumes have to be in memory.

    `mode` selects where prepared volumes are kept and affects speed and memory only:
    the same seed gives the same batches in all three. "memory": every one as an array.
    "cached": on disk, as memory maps that all processes share; a patch is read without
    its volume; what is there is found again by the content of files and settings, and
    a run that was killed goes on where it stopped. "streamed": nowhere; they are read
    and prepared again each epoch, by `workers` threads ahead of their use.

    What an epoch draws follows from `seed`, the epoch and the patch's number alone,
    not from the number of threads. `resume` goes on at any step.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        channels: list of str, columns with images; the first present one gives the
            grid. Or of dict `{"name", "required"}`; an absent channel is 0.
        labels: str or None, column with label maps (whole numbers).
        spatial: list of spatial steps, plain JSON as in a recipe, such as
            `{"step": "resample", "arguments": {"spacing": 1.5}}`.
        layers: list of Keras layers, or settings as in a recipe, that see each whole
            volume once, such as `ZScore()`.
        patch_size: int or three ints, voxels; None for whole volumes.
        patches_per_volume: int, patches of each case in an epoch.
        augmentation: list of Keras layers (or settings), drawn anew for every patch.
        margin: int, voxels around a patch that moving it may bring in.
        class_weights: list of float or None: a patch lies about a voxel of a class
            drawn by these weights; None for places drawn evenly.
        num_classes: int or None, makes targets one-hot.
        batch_size: int; the last batch of an epoch may be smaller.
        shuffle: bool, another order of the cases every epoch.
        mode: str, "memory", "cached" or "streamed".
        folder: path or None, where prepared volumes lie ("cached"; with "memory" too,
            for the next run). None: with "cached" medzoo's cache folder.
        volumes_at_once: int, cases whose patches are mixed; streaming holds twice as
            many in memory, and for each worker where a batch has more patches than
            they give.
        workers: int, threads, in `fit` too.
        seed: int.
        dtype: str, of images on disk and in memory; "float16" takes half the space.

    Raises:
        InputError: for a table without usable cases, or settings out of range.

    Example:
    >>> feed = medzoo.PatchFeed(
    ...     "cases.csv", ["t1"], labels="labels", mode="cached", patch_size=96,
    ...     spatial=[{"step": "resample", "arguments": {"spacing": 1.5}}],
    ...     layers=[medzoo.layers.ZScore()],
    ...     augmentation=[medzoo.layers.RandomSpatial3D(rotation=15)], num_classes=4)
    >>> model.fit(feed, epochs=10)
    """

    def __init__(
        self,
        cases: str | Path | Sequence[Case],
        channels: Sequence[str | dict[str, Any]] = ("t1",),
        *,
        labels: str | None = None,
        spatial: Sequence[dict[str, Any]] = (),
        layers: Sequence[Any] = (),
        patch_size: int | Sequence[int] | None = None,
        patches_per_volume: int = 8,
        augmentation: Sequence[Any] = (),
        margin: int = 0,
        class_weights: Sequence[float] | None = None,
        num_classes: int | None = None,
        batch_size: int = 2,
        shuffle: bool = True,
        mode: str = "memory",
        folder: str | Path | None = None,
        volumes_at_once: int = 4,
        workers: int = 2,
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        super().__init__(workers=workers, max_queue_size=2 * workers)
        for name, value in (
            ("patches_per_volume", patches_per_volume),
            ("batch_size", batch_size),
            ("volumes_at_once", volumes_at_once),
            ("workers", workers),
        ):
            _check_positive(name, value)
        _check_about_labels(labels, class_weights, num_classes)
        channels = [c if isinstance(c, dict) else {"name": c} for c in channels]
        self.volumes = PreparedCases(
            _usable(cases, channels, labels),
            FeedScans(channels, list(spatial), _layers(layers), dtype),
            mode=mode,
            folder=folder,
            workers=workers,
            **_streamed(volumes_at_once, patches_per_volume, workers * batch_size),
        )
        self.has_labels = labels is not None
        self.patch_size = None if patch_size is None else _size(patch_size)
        self.patches_per_volume = patches_per_volume
        self.margin = margin
        self.class_weights = None
        if class_weights is not None:
            self.class_weights = np.asarray(class_weights, float)
        self.num_classes = num_classes
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.volumes_at_once = volumes_at_once
        self.seed = seed
        self.epoch = 0
        self.first_step = 0
        self._has_begun = False
        self._mixed = self._mixed_groups()
        chain = _layers(augmentation)
        self._augment = CompiledPipeline(chain) if chain else None

    def __len__(self):
        patches = len(self.volumes) * self.patches_per_volume
        return -(-patches // self.batch_size)

    def __getitem__(self, number):
        further, step = divmod(self.first_step + number, len(self))
        epoch, first = self.epoch + further, step * self.batch_size
        last = len(self.volumes) * self.patches_per_volume
        numbers = range(first, min(first + self.batch_size, last))
        return self._batch([self._patch(epoch, n) for n in numbers])

    def on_epoch_begin(self) -> None:
        """Keras calls this before the first batch of an epoch is trained on."""
        self._has_begun = True
        self._mixed.forget()

    def on_epoch_end(self) -> None:
        """Keras calls this: the next epoch has another order and other draws."""
        # It also calls it before `fit` begins, having looked at two batches.
        if self._has_begun:
            self.epoch += 1
        self._has_begun = False

    def resume(self, epoch: int, step: int = 0) -> None:
        """Resumes as if `epoch` epochs and `step` batches of the next were done.

        What `fit` calls an epoch begins there from now on and is as long as ever: the
        rest of that epoch, and the first `step` batches of the following one.

        Args:
            epoch: int, from 0.
            step: int, from 0.
        """
        if epoch < 0 or not 0 <= step < len(self):
            raise InputError(
                f"`epoch` and `step` must be a position within epochs of {len(self)} "
                f"batches. Received: epoch={epoch}, step={step}."
            )
        self.epoch, self.first_step = epoch, step
        self._mixed.forget()

    def build(self, progress: Callable[[int, int], Any] | None = None) -> None:
        """Prepares all cases now, `workers` at once, where the mode keeps them.

        Args:
            progress: callable `(done, total)` or None.
        """
        self.volumes.prepare(workers=self.workers, threads=True, progress=progress)

    def batches(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields the batches of one epoch, made ahead by threads.

        For loops of one's own; `fit` does as much by itself.
        """
        self.on_epoch_begin()
        yield from Prefetch(self, self.workers, self.workers + 2)
        self.on_epoch_end()

    def _mixed_groups(self):
        return MixedGroups(
            self.volumes,
            self._group,
            self._order_in if self.shuffle else None,
            len(self.volumes) * self.patches_per_volume,
            volumes_at_once=self.volumes_at_once,
            patches_per_volume=self.patches_per_volume,
            lead=2 * self.workers * self.batch_size,
        )

    def _group(self, epoch, group):
        """The cases of a group."""
        order = np.arange(len(self.volumes))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        start = group * self.volumes_at_once
        return order[start : start + self.volumes_at_once].tolist()

    def _order_in(self, epoch, group):
        return np.random.default_rng([self.seed, epoch, group])

    def _patch(self, epoch, number):
        """Image `(x, y, z, channels)` and labels `(x, y, z)` or None; maybe views."""
        case = self.volumes.get(self._mixed.case_of(epoch, number))
        generator = np.random.default_rng([self.seed, epoch, 1, number])
        image, labels = case[IMAGE], case.get(LABELS)
        if self.patch_size is not None:
            start = self._start(case, generator) - self.margin
            size = self.patch_size + 2 * self.margin
            image = cut_box(image, start, size)
            labels = None if labels is None else cut_box(labels, start, size)
        if self._augment is not None:
            image, labels = self._augmented(image, labels, generator)
        if self.margin and self.patch_size is not None:
            image = centre_box(image, self.patch_size)
            labels = None if labels is None else centre_box(labels, self.patch_size)
        return image, labels

    def _start(self, case, generator):
        """Where a patch begins; its margin may leave the volume."""
        size = self.patch_size
        room = np.maximum(np.asarray(case[IMAGE].shape[:3]) - size, 0)
        if self.class_weights is None:
            return generator.integers(0, room + 1)
        classes = np.asarray(case[CLASSES])
        there = np.bincount(classes, minlength=len(self.class_weights)) > 0
        if len(there) > len(self.class_weights):
            raise InputError(
                "`class_weights` must have one weight a class. Received: "
                f"{len(self.class_weights)} weights, class {len(there) - 1}."
            )
        weights = np.where(there, self.class_weights, 0.0)
        weights = there.astype(float) if weights.sum() == 0 else weights
        drawn = generator.choice(len(weights), p=weights / weights.sum())
        place = generator.choice(np.flatnonzero(classes == drawn))
        # Inside where the volume is large enough: padding teaches nothing.
        return np.clip(case[POSITIONS][place] - size // 2, 0, room)

    def _augmented(self, image, labels, generator):
        data = {IMAGES: np.asarray(image, np.float32)}
        if labels is not None:
            data[MASKS] = np.asarray(labels, np.int32)[..., None]
        data = run_seeded(self._augment, data, generator)
        labels = None if labels is None else np.asarray(data[MASKS])[..., 0]
        return np.asarray(data[IMAGES]), labels

    def _batch(self, patches):
        images = np.empty((len(patches), *patches[0][0].shape), np.float32)
        for place, (image, _) in zip(images, patches, strict=True):
            # One copy from a memory map to the batch, and no other.
            place[...] = image
        if not self.has_labels:
            return (images,)
        labels = np.stack([labels for _, labels in patches]).astype(np.int32)
        if self.num_classes is None:
            return images, labels[..., None]
        if labels.max() >= self.num_classes:
            raise InputError(
                "Label maps must hold classes below `num_classes`. Received: "
                f"num_classes={self.num_classes}, label {labels.max()}."
            )
        return images, np.eye(self.num_classes, dtype=np.float32)[labels]


def _streamed(volumes_at_once, patches_per_volume, patches_at_work):
    """How many volumes streaming holds: a group in use, and the next."""
    usual = 2 * volumes_at_once
    # Where a batch is more than a group, threads are at different groups.
    groups = -(-patches_at_work // (volumes_at_once * patches_per_volume))
    return {"num_streamed": usual, "most_ahead": usual * groups}


def _usable(cases, channels, labels):
    cases = read_cases(cases, channels, target=labels)
    usable = [c for c in cases if c.images and (labels is None or c.target)]
    if not usable:
        raise InputError(
            "A feed needs cases with an image, and with a label map where it has "
            f"labels. Received: {len(cases)} cases, none of them complete. Fill in the "
            "table."
        )
    return usable


def _layers(layers):
    return [make_layer(item) if isinstance(item, dict) else item for item in layers]


def _size(patch_size):
    size = np.broadcast_to(np.asarray(patch_size, int), 3)
    if (size < 1).any():
        raise InputError(
            "`patch_size` must be positive whole numbers. "
            f"Received: patch_size={patch_size!r}."
        )
    return size


def _check_positive(name, value):
    if not isinstance(value, int) or value < 1:
        raise InputError(
            f"`{name}` must be a whole number of at least 1. "
            f"Received: {name}={value!r}."
        )


def _check_about_labels(labels, *settings):
    if labels is None and any(value is not None for value in settings):
        raise InputError(
            "`class_weights` and `num_classes` are about label maps. "
            "Received: labels=None. Name their column."
        )
