"""Pace: how far a job has come, and about how long the rest takes."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

# Work -> stage -> the share of a model's time at which it begins and ends, about.
STAGES = {
    "predict": {
        "loading": (0.0, 0.1),
        "reading": (0.1, 0.15),
        "placing": (0.15, 0.3),
        "network": (0.3, 0.85),
        "drawing": (0.85, 1.0),
    },
    "explain": {
        "loading": (0.0, 0.05),
        "reading": (0.05, 0.1),
        "placing": (0.1, 0.3),
        "regions": (0.3, 0.6),
        "gradients": (0.6, 0.9),
        "drawing": (0.9, 1.0),
    },
}
# Where neither the card nor an earlier run says how long a model takes.
USUAL_SECONDS = {"predict": 20.0, "explain": 60.0}
# Of the work, before which its own speed tells nothing.
LEAST_SHARE = 0.2


class Pace:
    """The progress of one job; it never goes back.

    Args:
        models: Names, in the order in which they run.
        expected: Seconds that each is expected to take.
        passes: How often each goes over the scan; once where it is not said.
        work: A key of `STAGES`.
        clock: Gives seconds.
    """

    def __init__(
        self,
        models: Sequence[str],
        expected: Mapping[str, float],
        passes: Mapping[str, int] | None = None,
        work: str = "predict",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = tuple(models)
        usual = USUAL_SECONDS[work]
        self._stages = STAGES[work]
        self._expected = [expected.get(name, usual) for name in models]
        self._passes = [(passes or {}).get(name, 1) for name in models]
        self._clock = clock
        self._number, self._stage = 0, "loading"
        self._windows: tuple[int, int] | None = None
        self._pass = 0
        self._began = self._model_began = self._stage_began = clock()
        self._share = 0.0
        self.seconds: dict[str, float] = {}

    def hear(self, message: Mapping) -> None:
        """Takes a message: model, stage, windows as (done, total), or a record."""
        now = self._clock()
        number = self._models.index(message["model"])
        if "record" in message:
            taken = now - self._model_began
            self.seconds[message["model"]] = self._expected[number] = taken
            self._number, self._model_began = number + 1, now
            self._begin("loading", now)
        elif "windows" in message:
            if self._windows and message["windows"][0] < self._windows[0]:
                self._pass += 1
            self._windows = message["windows"]
        else:
            self._number = number
            self._begin(message["stage"], now)

    def to_dict(self) -> dict:
        """Gives plain JSON: model, stage, windows, share done, seconds left."""
        running = self._number < len(self._models)
        self._share = max(self._share, self._now_done())
        total = sum(self._expected)
        if self._share > LEAST_SHARE:
            # This machine, and who else works on it, may be slower than expected.
            total = max(total, (self._clock() - self._began) / self._share)
        return {
            "model": self._models[self._number] if running else None,
            "model_number": min(self._number + 1, len(self._models)),
            "models": len(self._models),
            "stage": self._stage if running else None,
            "windows": self._windows if running else None,
            "share": round(self._share, 4),
            "seconds_left": round(max(total * (1 - self._share), 0.0), 1),
        }

    def _begin(self, stage: str, now: float) -> None:
        self._stage, self._stage_began = stage, now
        self._windows, self._pass = None, 0

    def _now_done(self) -> float:
        """The share of all the work that is done, 0 to 1."""
        if self._number >= len(self._models):
            return 1.0
        own = self._expected[self._number]
        low, high = self._stages[self._stage]
        passed = (self._clock() - self._stage_began) / max(own * (high - low), 1e-9)
        # A stage that takes longer than expected goes on, ever slower.
        part = 1 - math.exp(-passed)
        if self._windows is not None and self._windows[1] > 1:
            whole = self._pass + self._windows[0] / self._windows[1]
            part = min(whole / self._passes[self._number], 1.0)
        done = sum(self._expected[: self._number]) + own * (low + part * (high - low))
        return done / max(sum(self._expected), 1e-9)
