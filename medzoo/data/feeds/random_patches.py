"""RandomPatches: what data sets have in common that draw patches anew every epoch."""

import keras
import numpy as np

from medzoo.data.store.mixed_groups import MixedGroups
from medzoo.errors import RecipeError

# Streamed: so many volumes at once, and so many patches of each while it is there.
VOLUMES_AT_ONCE = 4
PATCHES_PER_VOLUME = 8


class RandomPatches(keras.utils.PyDataset):
    """Batches of patches; subclasses write `patch(number)`.

    They set `_groups` and `_rates`, the cases of each source and how often it is drawn.

    What an epoch draws follows from `seed`, the epoch and the number of the patch
    alone, so that a resumed training sees what an uninterrupted one would have seen.

    Args:
        volumes: `PreparedCases`.
        recipe: dict; its training section has `patch_size`, `batch_size` and
            `steps_per_epoch`.
        seed: int.
        batch_size: int or None, instead of the recipe's.

    Raises:
        RecipeError: if patches are not described.
    """

    def __init__(self, volumes, recipe, *, seed=0, batch_size=None):
        super().__init__()
        training = recipe["training"]
        if training.get("patch_size") is None or not training.get("steps_per_epoch"):
            raise RecipeError(
                "Training on patches needs patch_size and steps_per_epoch. "
                f"Received: {sorted(training)} in {recipe['name']}. Add them."
            )
        self.volumes = volumes
        self.seed = seed
        self.epoch = 0
        self.batch_size = batch_size or training.get("batch_size", 2)
        self.steps = training["steps_per_epoch"]
        self.patch_size = np.asarray(training["patch_size"], int)
        self._mixed = MixedGroups(
            volumes,
            self._drawn_together,
            self._order_of,
            self.steps * self.batch_size,
            volumes_at_once=VOLUMES_AT_ONCE,
            patches_per_volume=PATCHES_PER_VOLUME,
        )

    def __len__(self):
        return self.steps

    def __getitem__(self, number):
        first = number * self.batch_size
        patches = [self.patch(first + i) for i in range(self.batch_size)]
        inputs, targets = zip(*patches, strict=True)
        return np.stack(inputs), np.stack(targets)

    def on_epoch_end(self):
        """Keras calls this: the next epoch draws other patches."""
        self.epoch += 1

    def patch(self, number):
        """Returns input and target of the patch of a number in this epoch."""
        raise NotImplementedError

    def draw_case(self, number, generator):
        """Draws which case a patch is of.

        Where volumes are kept each patch draws its own. Where they are streamed a few
        are drawn for many patches, which are mixed, so that each is read once for all
        of its patches; the next few are read meanwhile.

        Args:
            number: int, of the patch in this epoch.
            generator: numpy random generator of the patch.

        Returns:
            int, the case's index.
        """
        if self.volumes.mode == "streamed":
            return self._mixed.case_of(self.epoch, number)
        return draw_by_rate(self._groups, self._rates, generator)

    def _drawn_together(self, epoch, group):
        generator = self._generator(epoch, group, 0)
        return [
            draw_by_rate(self._groups, self._rates, generator)
            for _ in range(VOLUMES_AT_ONCE)
        ]

    def _order_of(self, epoch, group):
        return self._generator(epoch, group, 1)

    def _generator(self, *numbers):
        return np.random.default_rng([self.seed, *numbers])

    def generator_of(self, number):
        """Returns the random generator of a patch, numpy's."""
        return self._generator(self.epoch, number)


def group_by(names, indices):
    """Returns the indices of each name: dict of name -> list of int."""
    groups = {}
    for index in indices:
        groups.setdefault(names[index], []).append(index)
    return groups


def draw_by_rate(groups, rates, generator):
    """Draws one of the indices of a group that is drawn by the rates.

    Args:
        groups: dict of name -> list of int.
        rates: dict of name -> float, for every group.
        generator: numpy random generator.

    Returns:
        int.
    """
    names = list(groups)
    shares = np.array([rates[name] for name in names], float)
    name = names[generator.choice(len(names), p=shares / shares.sum())]
    return int(generator.choice(groups[name]))
