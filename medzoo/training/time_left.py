"""Time left of a training, from the lines of its log."""

import time

from medzoo.training.log_lines import EpochFacts, PlanFacts


class TimeLeft:
    """Estimates how long the rest of a training takes, all its networks together.

    The time of an epoch is the mean of those seen, validation and checkpoints included.
    A training that stops early takes less.

    Args:
        clock: callable returning seconds.
    """

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._plan = ("",)
        self._network = self._last = None
        self._seconds, self._epochs = 0.0, 0

    def __call__(self, facts):
        """Takes note of facts of a line, in order.

        Args:
            facts: `EpochFacts` or others.

        Returns:
            float, seconds left at most, or None where the line says nothing of it.
        """
        if isinstance(facts, PlanFacts):
            self._plan = facts.networks
        if not isinstance(facts, EpochFacts):
            return None
        now = self._clock()
        # Between networks lies more than an epoch.
        same = facts.network == self._network
        self._seconds += now - self._last if same else facts.seconds
        self._epochs += 1
        self._network, self._last = facts.network, now
        left = facts.total - facts.epoch + facts.total * self._after(facts.network)
        return left * self._seconds / self._epochs

    def place(self, network):
        """Returns the place of a network, from 1, and how many there are."""
        return len(self._plan) - self._after(network), len(self._plan)

    def _after(self, network):
        """How many networks are trained after one; what is not planned is the last."""
        known = network in self._plan
        return len(self._plan) - 1 - self._plan.index(network) if known else 0


def duration(seconds):
    """Returns a duration in words, as "about 3 min"."""
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"about {seconds / 3600:.1f} h"
    return f"about {seconds / 86400:.1f} days"
