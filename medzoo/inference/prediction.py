"""Prediction: the result of a model on one scan."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medzoo.inference.label_volumes import label_type
from medzoo.spatial.doubt import warning_record
from medzoo.volume import Volume

# Of intervals, where nothing else is said.
USUAL_COVERAGE = 0.9


@dataclass(frozen=True)
class Prediction:
    """The result of one case. Fields that a task does not have are None.

    Args:
        task: str, the recipe's task.
        model: str, name and version of the model.
        value: float, regression: the value in `unit`.
        unit: str, regression.
        interval: `(low, high)` in `unit`, regression: holds the truth of so many cases
            like those the model was measured on as `coverage` says; None if it was
            never measured.
        coverage: float, of the interval: 0.9 unless the recipe asks for another.
        label: str, classification: the class with the largest probability.
        probabilities: dict of class name -> float, classification; Volume
            `(x, y, z, num_classes)` float16 in the input's space, segmentation, where
            it was asked for.
        labels: Volume of class indices, or of `codes`, in the input's own space,
            segmentation.
        volumes_ml: dict of class name -> float, millilitres, segmentation.
        centiles: dict of region -> float, 0.1 to 99.9, segmentation: where its volume
            lies among healthy people of the same age and sex; None where these are not
            known, or the recipe has no reference population.
        person: `medzoo.inference.centiles.Person`, who was compared, or None.
        class_names: list of str, segmentation, background first.
        codes: list of int, segmentation: the label of each class in `labels`, where it
            is not the class's place in `class_names`; else None.
        image: Volume in the input's own intensity units, image tasks.
        embedding: `(latent_dim,)` float32, the code of an autoencoder.
        uncertainty: where it was asked for. Regression: a standard deviation in
            `unit`; classification: that of the label's probability. Volume in the
            input's space for tasks with image output: segmentation, entropy from 0
            (sure) to 1; others, a standard deviation in the input's intensity unit.
        familiarity: `medzoo.inference.familiarity.Familiarity`, how far the contrast of
            the scan is from that of training; None where the model does not measure
            it.
        standard: `medzoo.inference.standard_result.StandardResult`, labels or image
            and volumes in the standard space, where it was asked for.
        warnings: tuple of str, warnings about the input; a `Doubt` says what about.
    """

    task: str
    model: str
    value: float | None = None
    unit: str | None = None
    interval: tuple | None = None
    coverage: float = USUAL_COVERAGE
    label: str | None = None
    probabilities: Any = None
    labels: Any = None
    volumes_ml: dict | None = None
    centiles: dict | None = None
    person: Any = None
    class_names: list | None = None
    codes: list | None = None
    image: Any = None
    embedding: Any = None
    uncertainty: Any = None
    familiarity: Any = None
    standard: Any = None
    warnings: tuple = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON: the fields of the task, and warnings if there are any.

        `warning_kinds` says of each warning what of the scan it is about: "image",
        "slices", "coverage", "contrast", or None.
        Images are left out; an embedding is a list.
        """
        content = _numbers(self)
        if self.standard is not None:
            content["standard_space"] = self.standard.to_dict()
        return content | warning_record(self.warnings)

    def classes(self) -> Any:
        """Returns `labels` with each class's place in `class_names`, a Volume."""
        if self.codes is None:
            return self.labels
        kind = label_type(len(self.codes))
        table = np.zeros(max(self.codes) + 1, kind)
        table[self.codes] = range(len(self.codes))
        return self.labels.with_array(table[self.labels.array])

    def plot(self, scan: Volume | None = None) -> Any:
        """Draws what was found; needs matplotlib (extra demo).

        Args:
            scan: Volume that it was made of, to be drawn with it, or None.

        Returns:
            matplotlib Figure.

        Raises:
            InputError: if a scan is needed and not given, or matplotlib is missing.
        """
        from medzoo.drawing.notebook import plot_prediction

        return plot_prediction(self, scan)

    def _repr_html_(self):
        from medzoo.drawing.notebook import prediction_html

        return prediction_html(self)

    def __str__(self):
        if self.value is not None:
            return _value_sentence(self)
        if self.label is not None:
            return f"{self.label} (probability {self.probabilities[self.label]:.2f})"
        if self.volumes_ml is not None:
            return volumes_text(self.volumes_ml)
        if self.embedding is not None:
            return f"an embedding of {len(self.embedding)} numbers"
        return _geometry_sentence(self)


def _numbers(found):
    """The fields that a result has, without its images."""
    content = _scalars(found)
    if found.volumes_ml is not None:
        volumes = {name: round(ml, 3) for name, ml in found.volumes_ml.items()}
        content["volumes_ml"] = volumes
    if found.centiles is not None:
        content["centiles"] = {k: round(v, 1) for k, v in found.centiles.items()}
    if found.embedding is not None:
        content["embedding"] = [round(float(v), 6) for v in found.embedding]
    elif found.image is not None:
        content["shape"] = [int(n) for n in found.image.shape]
        content["spacing_mm"] = [round(s, 6) for s in found.image.spacing]
    return content


def _scalars(found):
    content = {}
    if found.value is not None:
        content |= {"value": round(found.value, 4), "unit": found.unit}
    if found.interval is not None:
        content["interval"] = [round(end, 4) for end in found.interval]
        if found.coverage != USUAL_COVERAGE:
            content["coverage"] = found.coverage
    if found.label is not None:
        shares = {name: round(p, 6) for name, p in found.probabilities.items()}
        content |= {"label": found.label, "probabilities": shares}
    if isinstance(found.uncertainty, float):
        content["uncertainty"] = round(found.uncertainty, 4)
    return content


def _value_sentence(found):
    text = f"{found.value:.1f} {found.unit}"
    if found.interval is not None:
        text += f" ({interval_text(found.interval, found.coverage)})"
    return text


def interval_text(interval, coverage=USUAL_COVERAGE):
    """Returns an interval in words, as "90 % interval 35.0 to 52.5"."""
    low, high = interval
    return f"{100 * coverage:g} % interval {low:.1f} to {high:.1f}"


# More classes than this are summed: a sentence of 147 regions is none.
MOST_LISTED = 20


def volumes_text(volumes_ml):
    """Returns volumes as text: each one, or of many their number and sum."""
    if len(volumes_ml) > MOST_LISTED:
        seen = sum(ml > 0 for ml in volumes_ml.values())
        return f"{seen} regions, {sum(volumes_ml.values()):.0f} ml in all"
    return ", ".join(f"{name} {ml:.1f} ml" for name, ml in volumes_ml.items())


def _geometry_sentence(found):
    shape = " x ".join(str(n) for n in found.image.shape)
    spacing = " x ".join(f"{s:.3g}" for s in found.image.spacing)
    return f"{shape} voxels of {spacing} mm"
