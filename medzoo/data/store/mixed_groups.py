"""MixedGroups: patches of a few cases mixed, so that each is read once for all."""

import numpy as np

NOTHING_ASKED = (-1, -1)


class MixedGroups:
    """Which case a patch is of, where cases come in groups whose patches are mixed.

    Where cases are streamed only few volumes have to be in memory so; those of the next
    group are read meanwhile.

    Args:
        volumes: `PreparedCases`.
        members: callable `(epoch, group)` -> list of int, the cases of a group.
        order: callable `(epoch, group)` -> numpy random generator, by which patches are
            mixed; or None for one case after another.
        num_patches: int, patches of an epoch.
        volumes_at_once: int, cases of a group.
        patches_per_volume: int, patches of each of them.
        lead: int or None, the patch of a group at which the next one is asked for.
            None: at its middle.
    """

    def __init__(
        self,
        volumes,
        members,
        order,
        num_patches,
        *,
        volumes_at_once,
        patches_per_volume,
        lead=None,
    ):
        self._volumes = volumes
        self._members = members
        self._order = order
        self._num_patches = num_patches
        self._each = patches_per_volume
        self._size = volumes_at_once * patches_per_volume
        # Not at once: threads may still be at the group before, which would be let go.
        middle = self._size // 2
        self._lead = middle if lead is None else min(middle, lead)
        self.forget()

    def forget(self):
        """Has groups read ahead again that were asked for already."""
        # Epoch and last group that was asked for.
        self._asked = NOTHING_ASKED

    def case_of(self, epoch, number):
        """Returns the case that a patch is of, an int.

        Args:
            epoch: int.
            number: int, of the patch in this epoch.
        """
        group, place = divmod(number, self._size)
        if number == 0 and self._asked[0] >= epoch:
            self.forget()
        self._expect(epoch, group)
        if place >= self._lead and (group + 1) * self._size < self._num_patches:
            self._expect(epoch, group + 1)
        members = self._members(epoch, group)
        slots = np.repeat(members, self._each)
        if self._order is not None:
            slots = self._order(epoch, group).permutation(slots)
        return int(slots[place])

    def _expect(self, epoch, group):
        """Has groups up to this one read, each once: it may have been let go since."""
        asked_in, asked = self._asked
        if (epoch, group) <= (asked_in, asked):
            return
        first = asked + 1 if asked_in == epoch else group
        self._asked = (epoch, group)
        for number in range(first, group + 1):
            self._volumes.expect(self._members(epoch, number))
