"""Predictions of held-out cases, and the cases that are none of theirs."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeldOut:
    """Predictions of cases by models that were trained on others.

    Args:
        outputs: `(cases, outputs)` array.
        distances: `(cases,)` array, from what each model was trained on.
        targets: `(cases,)` array.
        people: `(cases,)` array, the person of each case, or None: each is somebody
            else.
    """

    outputs: np.ndarray
    distances: np.ndarray
    targets: np.ndarray
    people: np.ndarray | None = None

    def only(self, chosen):
        """Returns some of the cases, a bool array."""
        parts = (self.outputs, self.distances, self.targets, self.people)
        return HeldOut(*(None if part is None else part[chosen] for part in parts))

    def num_people(self):
        """Returns how many people the cases are of."""
        return len(self.targets) if self.people is None else len(set(self.people))


def of_others(groups, people, group):
    """Returns the cases of the people who have none in a group, list of int.

    Args:
        groups: sequence, the group of each case.
        people: sequence of str, the person of each case.
        group: one of the groups.
    """
    pairs = list(zip(groups, people, strict=True))
    held = {person for own, person in pairs if own == group}
    return [i for i, (_, person) in enumerate(pairs) if person not in held]
