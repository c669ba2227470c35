"""Tissue contrast of a channel: typical of T1, T1-IR or FLAIR or not.

Three tissues are looked at where an average brain has them: cortical grey matter, deep
white matter, and the fluid of the ventricles. docs/decisions/ has the measurements.
"""

import numpy as np

from medzoo.spatial.atlas import atlas as _atlas
from medzoo.spatial.background import samples_of
from medzoo.spatial.doubt import IMAGE, Doubt

# The average brain is so bright where heads have grey matter, and above it white.
GREY, WHITE = (0.5, 0.75), 0.93
# The ventricles: dark in the average brain, within this box of its world, mm.
FLUID = 0.5
VENTRICLES = ((-28.0, 28.0), (-60.0, 35.0), (-5.0, 35.0))
# Of what lies there; where ventricles are small, half of it is tissue.
DARKEST, BRIGHTEST = 10, 90
# Of grey matter's intensity to that of white matter.
# T1s have 0.86 at most, FLAIRs 0.91 and more at 2 mm.
LEAST_GREY, MOST_GREY, LEAST_GREY_OF_FLAIR = 0.5, 0.89, 0.88
# Of white matter's intensity, the darkest of the ventricles: fluid is dark in T1 (0.36
# at most) and FLAIR (0.46).
BRIGHT_FLUID = 0.7
# No real inversion recovery was at hand; that is how it is when it is made of T1s, or
# of tissue classes. With its sign fluid is the darkest of all, or grey matter darker
# than in any T1. As a magnitude grey matter lies midway between white matter and fluid,
# unlike in a T2, or both are far darker than fluid, unlike in a PD.
MOST_FLUID_OF_IR, DARK_GREY = 0.08, 0.75
LEAST_GREY_OF_IR, SURE_GREY_OF_IR, NULLED_GREY = 1.35, 1.9, 1.1
MIDWAY, FAR_BRIGHTER = 0.28, 1.3
KINDS = {"t1": "T1", "t1_ir": "T1-IR", "flair": "FLAIR"}

ADVICE = "do not trust the result"


def contrast_doubts(volume, found, atlas, name):
    """Returns a warning if the tissue contrast of a channel is atypical of its kind.

    Args:
        volume: Volume, one channel, in the world that `found` is of.
        found: `Registration` of the case's first channel to the atlas.
        atlas: str, the atlas's name.
        name: str, the channel: "t1", "t1_ir" and "flair" are known.

    Returns:
        list of `Doubt`, one or none.
    """
    tissues = _Tissues(volume, found, _atlas(atlas))
    if name not in KINDS or tissues.fits(name):
        return []
    text = (
        f"the tissue contrast of the {name} image is atypical of {KINDS[name]} MRI "
        f"(grey matter is {tissues.grey:.2f} times as bright as white matter, fluid "
        f"{tissues.fluid:.2f} times): {ADVICE}"
    )
    return [Doubt(text, IMAGE)]


class _Tissues:
    """How bright tissues are beside white matter, from the background on.

    Attributes:
        grey: float, the cortex; 1 where the image has neither.
        fluid: float, the ventricles; 0 where the image has none.
        brightest: float, the brightest there.
    """

    def __init__(self, volume, found, source):
        index = np.argwhere(source.probability > 0.5)
        place = index @ source.grid.affine[:3, :3].T + source.grid.affine[:3, 3]
        values = values_at(volume, place, found.to_image) - background_of(volume.array)
        average = source.brain[tuple(index.T)]
        low, high = GREY
        white = _median(values[average > WHITE])
        grey = _median(values[(average > low) & (average < high)])
        bounds = np.array(VENTRICLES)
        deep = ((place > bounds[:, 0]) & (place < bounds[:, 1])).all(axis=1)
        fluid = values[deep & (average < FLUID)]
        self.grey, self.fluid, self.brightest = 1.0, 0.0, 0.0
        if white > 0:
            self.grey = grey / white
            self.fluid = _percentile(fluid, DARKEST) / white
            self.brightest = _percentile(fluid, BRIGHTEST) / white

    def fits(self, name):
        """Returns whether these can be the tissues of a channel, a bool."""
        bright_fluid = self.fluid > BRIGHT_FLUID
        if name == "t1_ir":
            return self._fits_ir_magnitude() if bright_fluid else self._fits_ir()
        if bright_fluid:
            return False
        if name == "t1":
            return LEAST_GREY <= self.grey <= MOST_GREY
        return self.grey >= LEAST_GREY_OF_FLAIR

    def _fits_ir(self):
        dark = self.fluid < MOST_FLUID_OF_IR and self.grey < DARK_GREY
        return self.grey < LEAST_GREY or dark

    def _fits_ir_magnitude(self):
        if self.grey < NULLED_GREY:
            return self.brightest > FAR_BRIGHTER * max(self.grey, 1.0)
        if self.grey > SURE_GREY_OF_IR:
            return True
        midway = self.grey - 1 > MIDWAY * (self.brightest - 1)
        return midway and self.grey > LEAST_GREY_OF_IR


def values_at(volume, place, to_image):
    """Returns the nearest voxels to `(n, 3)` positions of the atlas, mm; outside NaN.

    Args:
        volume: Volume, one channel.
        place: `(n, 3)` array, mm in the atlas's world.
        to_image: `(4, 4)` array, atlas world -> the volume's world.

    Returns:
        `(n,)` float32.
    """
    to_index = np.linalg.inv(volume.affine) @ to_image
    index = np.rint(place @ to_index[:3, :3].T + to_index[:3, 3]).astype(int)
    inside = ((index >= 0) & (index < volume.shape)).all(axis=1)
    values = np.full(len(place), np.nan, np.float32)
    values[inside] = volume.array[tuple(index[inside].T)]
    return values


def background_of(array):
    """Returns the background intensity: the 1st percentile of evenly spread voxels."""
    return float(np.percentile(samples_of(array), 1))


def _median(values):
    return _percentile(values, 50)


def _percentile(values, share):
    inside = values[np.isfinite(values)]
    return float(np.percentile(inside, share)) if inside.size else 0.0
