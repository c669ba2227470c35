"""JobQueue: one job after the other, in the order in which they came."""

import shutil
import sys
import threading
from collections import deque
from collections.abc import Mapping

from medzoo.errors import MedzooError
from medzoo.serve.child import Cancelled, Child
from medzoo.serve.jobs import Job
from medzoo.serve.limits import Limits
from medzoo.serve.offered_models import OfferedModel
from medzoo.serve.pace import Pace


class JobQueue:
    """Runs the jobs of all sessions in one child, which all cores serve.

    Args:
        models: The models on offer, by their names.
        limits: `Limits`.
        engine: Inference backend, see `medzoo.inference.settings.Settings`.
        precision: Likewise.
    """

    def __init__(
        self,
        models: Mapping[str, OfferedModel],
        limits: Limits,
        engine: str = "keras",
        precision: str | None = None,
    ) -> None:
        self.child = Child("medzoo-predict", limits.child_bytes)
        self._models = models
        self._limits = limits
        self._settings = {"engine": engine, "precision": precision}
        known = {name: model.seconds for name, model in models.items()}
        # What is done -> model -> seconds that it takes here.
        self._seconds: dict[str, dict[str, float]] = {
            "predict": {name: s for name, s in known.items() if s is not None},
            "explain": {},
        }
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._running: Job | None = None
        self._ended = False
        self._thread = threading.Thread(
            target=self._work, name="medzoo-jobs", daemon=True
        )

    def start(self) -> None:
        """Starts to work; the first visitor finds the libraries loaded."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Adds a job."""
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def ahead_of(self, job: Job) -> int:
        """Gives how many jobs are worked on before one that waits."""
        with self._changed:
            waiting = [one for one in self._waiting if not one.ended]
            before = waiting.index(job) if job in waiting else 0
            return before + (self._running is not None and job in waiting)

    def end(self) -> None:
        """Gives up everything."""
        with self._changed:
            self._ended = True
            for job in [*self._waiting, *([self._running] if self._running else [])]:
                job.cancel()
            self._changed.notify()
        self.child.end()
        if self._thread.is_alive():
            self._thread.join(self._limits.read_seconds)

    def _work(self) -> None:
        self._run_child("warm_up", {}, None)
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                job = self._running = self._waiting.popleft()
            try:
                if not job.ended:
                    self._run(job)
            finally:
                self._running = None
                if job.stop.is_set():
                    shutil.rmtree(job.folder, ignore_errors=True)

    def _run(self, job: Job) -> None:
        order = job.order
        passes = {name: self._models[name].passes for name in order.models}
        seconds = self._seconds[order.work]
        pace = Pace(order.models, seconds, passes, work=order.work)
        job.begin(pace)
        arguments = {
            "sources": {name: self._models[name].source for name in order.models},
            "images": order.images,
            "case_id": order.case_id,
            "person": order.person,
            "folder": str(job.folder),
            **self._settings,
        }
        self._run_child(order.work, arguments, job)
        seconds.update(pace.seconds)

    def _run_child(self, work: str, arguments: dict, job: Job | None) -> None:
        """Runs the child; what fails ends the job and never this thread."""
        try:
            self.child.run(
                work,
                arguments,
                seconds=self._limits.job_seconds,
                hear=job.hear if job else lambda _: None,
                stop=job.stop if job else None,
            )
        except Cancelled:
            state, error = "cancelled", ""
        except (MedzooError, OSError, ValueError) as fault:
            state, error = "failed", str(fault)
            if job is None:
                sys.stderr.write(f"medzoo: warning: {fault}\n")
        else:
            state, error = "done", ""
        if job is not None:
            job.end(state, error)
