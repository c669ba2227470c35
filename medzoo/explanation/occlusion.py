"""Occlusion: each region replaced by the population's mean, and the answer anew."""

from dataclasses import dataclass

import numpy as np

from medzoo.explanation.input_gradients import BATCH

ML = 1000.0


@dataclass(frozen=True)
class RegionEffect:
    """What one region of a scan does to the answer.

    Args:
        name: str.
        volume_ml: float, millilitres of the scan.
        effect: float, the answer less what it is with the population's mean in the
            place of the region, in the unit of the answer: above 0, the region as it
            is raises the prediction.
        told_effect: float, the same of the value or the probability as it is told.
        attributed: float, the sum of the attributions within the region.
    """

    name: str
    volume_ml: float
    effect: float
    told_effect: float
    attributed: float

    def to_dict(self):
        """Returns plain JSON."""
        return {
            "region": self.name,
            "volume_ml": round(self.volume_ml, 2),
            "effect": round(self.effect, 4),
            "told_effect": round(self.told_effect, 4),
            "attributed": round(self.attributed, 4),
        }


def region_effects(answers, answer, network_input, baseline, regions, attributions):
    """Replaces every region in turn.

    Args:
        answers: callable, `(n, x, y, z, channels)` inputs -> `(n,)` answers.
        answer: `Answer`.
        network_input: `medzoo.explanation.voxels.GridInput`.
        baseline: `(x, y, z, channels)` array, the population's mean.
        regions: `medzoo.explanation.regions.Regions`.
        attributions: Volume on the network's grid, whose affine is in the scan's
            world: what each voxel adds to the answer.

    Returns:
        list of `RegionEffect`, the largest effect first, whatever its sign; regions
        of which the network sees nothing are left out.
    """
    labels, count = regions.labels, len(regions.names)
    voxels = np.bincount(labels.ravel(), minlength=count)
    sums = np.bincount(labels.ravel(), attributions.array.ravel(), count)
    own = float(answers(network_input.numbers[None])[0])
    size_ml = abs(np.linalg.det(attributions.affine[:3, :3])) / ML
    effects, waiting = [], []
    for place, changed in enumerate(
        network_input.replaced(labels, count, np.asarray(baseline, np.float64))
    ):
        if voxels[place]:
            waiting.append((place, changed))
        if len(waiting) == BATCH or (waiting and place == count - 1):
            found = answers(np.stack([changed for _, changed in waiting]))
            for (seen, _), other in zip(waiting, found, strict=True):
                effects.append(
                    RegionEffect(
                        regions.names[seen],
                        float(voxels[seen] * size_ml),
                        own - float(other),
                        float(answer.told(own) - answer.told(other)),
                        float(sums[seen]),
                    )
                )
            waiting = []
    return sorted(effects, key=lambda effect: -abs(effect.effect))
