"""What a caller asks of a prediction, whatever the task."""

from dataclasses import dataclass
from typing import Any

from medzoo.inference.engine import PRECISIONS, check_engine, engine_of
from medzoo.inference.standard_result import parse_space


@dataclass(frozen=True)
class Settings:
    """What decides a prediction besides the model and the scan.

    Args:
        uncertainty: "interval", the recipe's calibrated interval where it has one;
            None for none; or what the task offers besides, see `uncertainties` of
            `medzoo.inference.task.Task`. "tta" (test-time augmentation): the standard
            deviation of predictions when the scan is moved by a voxel (regression,
            classification, reconstruction) or mirrored (super-resolution), and the
            entropy of their mean (segmentation). "ensemble": the standard deviation
            over the members of an ensemble. "entropy": of a segmentation's
            probabilities.
        probabilities: bool, keep those of a segmentation.
        engine: str, the inference backend: "keras", or "openvino" (an extra), which
            may be faster on a CPU.
        precision: str or None, what the engine computes with: "float32", which None
            stands for, or with "openvino" also "bfloat16", about twice as fast on
            processors that have it; the model's card gives the differences.
        progress: callable `(done, total)` or None, where a case takes many windows.
        native: bool, work on scans that are a little finer than the network's grid on
            their own one, where the recipe has them resampled to save time (the step
            "resample", finer). Results are on the scan's grid either way.
        space: str or None, a standard space to give images in beside the scan's own,
            as "mni" or "mni:deformable", see
            `medzoo.inference.standard_result.parse_space`.

    Raises:
        InputError: for an engine that is not installed, a precision it has not, or a
            space that is not known.
    """

    uncertainty: str | None = "interval"
    probabilities: bool = False
    engine: str = "keras"
    precision: str | None = None
    progress: Any = None
    native: bool = False
    space: str | None = None

    def __post_init__(self):
        check_engine(self.engine, self.precision)
        if self.space is not None:
            parse_space(self.space)

    def engine_of(
        self, network: Any, *, softmax: bool = False, classes: bool = False
    ) -> Any:
        """Returns what runs a network, see `medzoo.inference.engine.engine_of`."""
        return engine_of(
            network,
            name=self.engine,
            precision=self.precision,
            softmax=softmax,
            classes=classes,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns what decides the result, plain JSON."""
        found = {
            "uncertainty": self.uncertainty,
            "probabilities": self.probabilities,
            "engine": self.engine,
            "precision": self.precision or PRECISIONS[self.engine][0],
            "native": self.native,
        }
        # Only where it was asked for: other results stay what they were.
        return found if self.space is None else {**found, "space": self.space}
