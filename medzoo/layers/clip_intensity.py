"""ClipIntensity: cuts intensities to a range, or to a named window of CT numbers."""

from typing import Any

import keras
from keras import ops

from medzoo.layers.volume_layer import VolumeLayer

# Name -> centre (level) and width in Hounsfield units. Source: A. Murphy, D. J. Bell
# et al., "Windowing (CT)", Radiopaedia.org, https://radiopaedia.org/articles/
# windowing-ct; where it gives a range, its middle.
WINDOWS = {
    "brain": (40, 80),
    "subdural": (75, 215),
    "stroke": (40, 40),
    "temporal_bone": (600, 2800),
    "head_soft_tissue": (40, 375),
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
    "abdomen": (50, 400),
    "soft_tissue": (50, 400),
    "liver": (30, 150),
    "spine": (50, 250),
    "bone": (400, 1800),
}


@keras.saving.register_keras_serializable(package="medzoo")
class ClipIntensity(VolumeLayer):
    """Sets what lies below a range to its lower end, and above to its upper end.

    Args:
        low: float or None, the lower end; None leaves it open.
        high: float or None, the upper end; None leaves it open.
        window: str or None, instead of both: a window of CT numbers, which runs from
            centre - width / 2 to centre + width / 2. In Hounsfield units (centre,
            width): "brain" (40, 80), "subdural" (75, 215), "stroke" (40, 40),
            "temporal_bone" (600, 2800), "head_soft_tissue" (40, 375), "lung"
            (-600, 1500), "mediastinum" (50, 350), "abdomen" and "soft_tissue"
            (50, 400), "liver" (30, 150), "spine" (50, 250), "bone" (400, 1800).
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`; for a window in
        Hounsfield units.

    Output shape:
        As the input, float32, in the unit of the input.

    Raises:
        ValueError: for an unknown window, a range that does not ascend, both a range
            and a window, or neither.

    Example:
        >>> clip = ClipIntensity(window="lung")
        >>> clip.limits
        (-1350.0, 150.0)
        >>> RescaleIntensity(in_range=clip.limits)(ct)  # clips, too

    Source:
        Murphy, Bell et al., "Windowing (CT)", Radiopaedia.org.
    """

    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        window: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = low is not None or high is not None
        if given == (window is not None):
            raise ValueError(
                "Give either `low`, `high` or both, or a `window`. "
                f"Received: low={low}, high={high}, window={window!r}."
            )
        if window is not None and window not in WINDOWS:
            raise ValueError(
                f"`window` must be one of {tuple(WINDOWS)}. "
                f"Received: window={window!r}."
            )
        if low is not None and high is not None and not low < high:
            raise ValueError(
                f"`low` must be below `high`. Received: low={low}, high={high}."
            )
        self.low = low
        self.high = high
        self.window = window

    @property
    def limits(self) -> Any:
        """The lower and the upper end, None where open."""
        if self.window is None:
            return self.low, self.high
        centre, width = WINDOWS[self.window]
        return centre - width / 2, centre + width / 2

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        images = ops.cast(images, "float32")
        low, high = self.limits
        if low is not None:
            images = ops.maximum(images, float(low))
        return images if high is None else ops.minimum(images, float(high))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "low": self.low,
            "high": self.high,
            "window": self.window,
        }
