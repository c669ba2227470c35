"""Crew: Ray actors that work through a queue; what a dead one had is done by others."""

import time
from collections import deque

from medzoo.cluster.worker import Worker
from medzoo.errors import MedzooError, OfflineError

# A case that ends its worker so often is its own fault.
MOST_ATTEMPTS = 3
# Seconds until a cluster without a free processor is given up.
PATIENCE_SECONDS = 600.0


class Crew:
    """Does chunks of items on the nodes of a cluster, in whatever order.

    Each actor has one chunk at a time, so that an actor that dies loses no more. It is
    replaced wherever Ray finds room.

    Args:
        job: `Job`.
        count: int, actors.
        ray: the module, connected to a cluster.
    """

    def __init__(self, job, count, ray):
        self._job, self._ray = job, ray
        options = {"num_cpus": job.threads, "max_restarts": 0}
        self._make = ray.remote(Worker).options(**options).remote
        # Ref -> actor that starts, and ref -> (actor, chunk, attempts) that works.
        self._starting, self._working = {}, {}
        self._idle, self._queue = deque(), deque()
        self._last_sign, self._failures = time.monotonic(), 0
        for _ in range(count):
            self._start()

    def results(self, chunks):
        """Yields (items, lines, reason) of each chunk; the reason where there are none.

        Args:
            chunks: iterable of lists of `Item`.

        Raises:
            MedzooError: if no worker can be made, with the reason.
            OfflineError: if the cluster gives no processor.
        """
        self._queue.extend((chunk, 0) for chunk in chunks)
        while self._queue or self._working:
            while self._idle and self._queue:
                actor, (chunk, attempts) = self._idle.popleft(), self._queue.popleft()
                ref = actor.do.remote(chunk)
                self._working[ref] = (actor, chunk, attempts + 1)
            refs = [*self._working, *self._starting]
            done, _ = self._ray.wait(refs, num_returns=1, timeout=5.0)
            for ref in done:
                if ref in self._starting:
                    self._started(ref)
                else:
                    yield from self._finished(ref)
            self._check_signs(done)

    def close(self):
        """Ends all actors."""
        actors = [*self._starting.values(), *self._idle]
        for actor in (*actors, *(actor for actor, *_ in self._working.values())):
            self._ray.kill(actor)

    def _start(self):
        actor = self._make(self._job)
        self._starting[actor.ready.remote()] = actor

    def _started(self, ref):
        actor = self._starting.pop(ref)
        try:
            self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._failures += 1
            if self._failures >= MOST_ATTEMPTS:
                raise MedzooError(
                    "A worker must have the models, and start, on its node. "
                    f"Received: {_cause(error)}. Install the same medzoo on all nodes."
                ) from error
            self._start()
        else:
            self._failures = 0
            self._idle.append(actor)

    def _finished(self, ref):
        actor, chunk, attempts = self._working.pop(ref)
        try:
            lines = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            self._idle.append(actor)
            yield chunk, None, _cause(error)
            return
        except self._ray.exceptions.RayError as error:
            self._start()
            if attempts < MOST_ATTEMPTS:
                self._queue.appendleft((chunk, attempts))
            elif len(chunk) > 1:
                self._queue.extend(([item], 0) for item in chunk)
            else:
                yield chunk, None, f"{attempts} workers ended: {_cause(error)}"
            return
        self._idle.append(actor)
        yield chunk, lines, None

    def _check_signs(self, done):
        if done or self._working:
            self._last_sign = time.monotonic()
        elif time.monotonic() - self._last_sign > PATIENCE_SECONDS:
            raise OfflineError(
                "A cluster must give a worker its processors. Received: "
                f"none of {self._job.threads} free for {PATIENCE_SECONDS:.0f} s. "
                "See `ray status`."
            )


def _cause(error):
    """The last line that says anything, without traces and addresses of workers."""
    rows = [row.strip() for row in str(error).splitlines() if row.strip()]
    return (rows[-1] if rows else type(error).__name__)[:300].rstrip(".")
