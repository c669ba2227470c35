"""Training of segmentation: data and metrics."""

import keras
import numpy as np

from medzoo.data.cases.case_sources import unions_of
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.feeds.segmentation import prepared_cases
from medzoo.drawing.pictures import blend
from medzoo.inference.segmentation import segment
from medzoo.losses import DiceCrossentropy
from medzoo.metrics.segmentation import segmentation_metrics
from medzoo.preprocess import Preprocessor
from medzoo.progress import every_twentieth
from medzoo.training.task_training import ImageTraining

# Scans measured after an epoch: each takes seconds.
MOST_MEASURED = 6


class SegmentationTraining(ImageTraining):
    """Trains label maps, see `ImageTraining`."""

    def usual_loss(self):
        """See `TaskTraining`."""
        return DiceCrossentropy()

    def prepare(self, cases, keeping, *, tables=None, workers=2, log):
        """See `ImageTraining`."""
        self.volumes = prepared_cases(cases, self.recipe, tables=tables, **keeping)
        self.volumes.prepare(workers=workers, progress=every_twentieth(log))

    def dataset(self, indices, seed):
        """Returns what `fit` trains on: patches of the chosen cases."""
        return PatchDataset(self.volumes, self.recipe, indices=indices, seed=seed)

    def measure(self, indices):
        """Returns a callable `(model, writer=None)` -> dict, the mean Dice first.

        It segments some of the chosen scans as a whole, the sources in turn.
        """
        chosen = self._some(indices)
        preprocessor = Preprocessor(
            self.recipe["preprocessing"], self.recipe["channels"]
        )

        def measure(model, writer=None):
            rows = {}
            for number, index in enumerate(chosen):
                case = self.volumes.get(index)
                image = case["image"].astype(np.float32)
                x = preprocessor.normalize(image[None])[0]
                labels, _, _ = segment(model, x, self.recipe, entropy=False)
                found = self._dice(labels, case["labels"], index)
                source = self._source_of(index).name
                rows.setdefault(source, []).append(found)
                if writer is not None:
                    picture = overlay(image[..., _shown(case)], labels)
                    writer.picture(f"case_{number}", picture, _step(model))
            return self._summary(rows)

        return measure if chosen else None

    def _some(self, indices):
        """The first scans of every source in turn, up to `MOST_MEASURED`."""
        groups = {}
        for index in indices:
            if self.volumes.cases[index].images:
                name = self._source_of(index).name
                groups.setdefault(name, []).append(index)
        chosen = []
        while any(groups.values()) and len(chosen) < MOST_MEASURED:
            for group in groups.values():
                if group and len(chosen) < MOST_MEASURED:
                    chosen.append(group.pop(0))
        return chosen

    def _source_of(self, index):
        return self.volumes.preparation.source_of(self.volumes.cases[index])

    def _dice(self, labels, truth, index):
        for label, classes in self._source_of(index).any_of.items():
            labels = np.where(np.isin(labels, list(classes)), int(label), labels)
        unions = unions_of(self.recipe["training"])
        for label, classes in unions.items():
            either = (truth == label) & np.isin(labels, classes)
            labels = np.where(either, label, labels)
        count = len(self.recipe["class_names"])
        every = count + len(unions)
        found = segmentation_metrics(labels, truth, every, 1.0, surfaces=False)
        return [found[k]["dice"] for k in range(1, count)]

    def _summary(self, rows):
        """Mean Dice over sources, then each class of each source."""
        names = [n.replace(" ", "_") for n in self.recipe["class_names"][1:]]
        dice = {k: _mean_of_present(np.array(v, float)) for k, v in rows.items()}
        # A source without any class, rightly found empty, has no Dice.
        found_in = [v[np.isfinite(v)] for v in dice.values() if np.isfinite(v).any()]
        means = [float(values.mean()) for values in found_in]
        found = {"dice/mean": float(np.mean(means)) if means else 1.0}
        for source, values in dice.items():
            for name, value in zip(names, values, strict=True):
                if np.isfinite(value):
                    found[f"dice/{source}/{name}"] = float(value)
        return found


def _mean_of_present(dice):
    """Mean over cases, NaN for a class that none of them has."""
    there = np.isfinite(dice)
    count = there.sum(axis=0)
    total = np.where(there, dice, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def overlay(image, labels):
    """Returns a picture: the middle axial slice, and beside it with its classes.

    Args:
        image: `(x, y, z)` float.
        labels: `(x, y, z)` integers.

    Returns:
        `(rows, columns, 3)` uint8, anterior on top.
    """
    middle = image.shape[2] // 2
    grey = np.rot90(image[..., middle])
    classes = np.rot90(labels[..., middle])
    top = np.percentile(grey, 99.5) or 1.0
    grey = np.clip(255 * grey / top, 0, 255).astype(np.uint8)
    plain = np.repeat(grey[..., None], 3, axis=-1)
    mixed = blend(grey, classes)
    return np.concatenate([plain, mixed], axis=1)


def _shown(case):
    """The first channel that is there."""
    return int(np.flatnonzero(case["present"])[0])


def _step(model):
    optimizer = getattr(model, "optimizer", None)
    # As an array: int() takes no variable that several devices mirror.
    return int(keras.ops.convert_to_numpy(optimizer.iterations)) if optimizer else 0
