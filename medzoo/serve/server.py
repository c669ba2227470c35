"""Server: the state behind the page: sessions, models, queue, and who may come in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medzoo.errors import InputError
from medzoo.inference.centiles import Person
from medzoo.serve.child import Child
from medzoo.serve.job_queue import JobQueue
from medzoo.serve.jobs import Job, Order
from medzoo.serve.limits import Limits
from medzoo.serve.offered_models import OfferedModel, offered
from medzoo.serve.scan_names import case_id_of
from medzoo.serve.sessions import Scan, Session, Sessions


@dataclass
class Server:
    """Everything that requests share.

    Attributes:
        models: The models on offer, by their names.
        limits: `Limits`.
        hosts: Names besides addresses and localhost by which browsers may reach it.
        loopback_only: Whether only this machine may reach it.
        token: What opens a session.
        sessions: `Sessions`.
        queue: `JobQueue`.
        reader: The process that reads uploads.
    """

    models: dict[str, OfferedModel]
    limits: Limits
    queue: JobQueue
    sessions: Sessions
    hosts: tuple[str, ...] = ()
    loopback_only: bool = True
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    reader: Child = field(default_factory=lambda: Child("medzoo-read"))

    def start(self) -> None:
        """Starts the processes."""
        self.queue.start()

    def end(self) -> None:
        """Ends the processes and deletes what sessions hold."""
        self.reader.end()
        self.queue.end()
        self.sessions.close_all()

    def inspect(self, path: Path) -> dict:
        """Reads an upload; see `medzoo.serve.inspection.inspect`.

        Raises:
            InputError: It cannot be read, and why.
        """
        arguments = {"images": {"scan": str(path)}}
        seconds = self.limits.read_seconds
        return self.reader.run("inspect", arguments, seconds=seconds)

    def make_job(
        self,
        session: Session,
        names: Sequence[str],
        channels: dict[str, str],
        series: dict[str, str],
        person: tuple[float | None, str | None],
    ) -> Job:
        """Makes a job and puts it into the queue.

        Args:
            session: Whose it is.
            names: Of models.
            channels: Channel -> key of a scan of the session.
            series: Channel -> series of a DICOM scan.
            person: Age in years and sex, or None each.

        Raises:
            InputError: For anything that could not be run.
        """
        models = self._chosen(names)
        scans = {name: _scan(session, key) for name, key in channels.items()}
        for model in models:
            check_channels(model, scans)
        images = {name: str(scan.path) for name, scan in scans.items()}
        for name, wanted in series.items():
            if name in images:
                images[name] += f"#{_known_series(scans[name], wanted)}"
        Person.of(*person)  # which refuses what is no age or sex
        first = next(iter(scans.values()))
        order = Order(tuple(names), images, case_id_of(first.name), person)
        return self._put(session, order)

    def make_explanation(self, session: Session, job: Job, name: str) -> Job:
        """Makes a job that explains the result of another one.

        Args:
            session: Whose it is.
            job: With the result.
            name: Of the model.

        Raises:
            InputError: There is no such result, or nothing to explain of it.
        """
        result = job.results.get(name)
        model = self.models.get(name)
        if model is None or result is None or "error" in result or job.order.of:
            raise InputError(
                "An explanation is of a result. "
                f"Received: model={name!r:.80} of a job without one. Wait for it."
            )
        if not model.explains:
            raise InputError(
                "A model that gives a value or a class can be explained. "
                f"Received: {name}, whose result is an image."
            )
        return self._put(
            session,
            Order(
                (name,), job.order.images, job.order.case_id, work="explain", of=job.key
            ),
        )

    def _put(self, session: Session, order: Order) -> Job:
        key = secrets.token_hex(8)
        job = Job(order, session.folder / f"job-{key}", key)
        session.add(job)
        job.folder.mkdir()
        self.sessions.touch(session)
        self.queue.put(job)
        return job

    def _chosen(self, names: Sequence[str]) -> list[OfferedModel]:
        if not names or len(set(names)) < len(names):
            raise InputError(
                "A job takes one model or more, each once. "
                f"Received: {len(names)} names. Choose a model."
            )
        missing = [name for name in names if name not in self.models]
        if missing:
            raise InputError(
                "A job takes the models of this server. "
                f"Received: model={missing[0]!r:.80}. See GET /api/v1/models."
            )
        return [self.models[name] for name in names]


def make_server(
    sources: Sequence[str] = (),
    *,
    limits: Limits | None = None,
    engine: str = "keras",
    precision: str | None = None,
    hosts: Sequence[str] = (),
    loopback_only: bool = True,
) -> Server:
    """Makes a server that has not started yet.

    Args:
        sources: Models as `medzoo.load` takes them; empty for the whole zoo.
        limits: `Limits`, or None for the usual ones.
        engine: See `medzoo.inference.settings.Settings`.
        precision: Likewise.
        hosts: See `Server`.
        loopback_only: Likewise.

    Raises:
        MedzooError: A model is not there or not well formed.
    """
    limits = limits or Limits()
    models = offered(list(sources))
    queue = JobQueue(models, limits, engine, precision)
    sessions = Sessions(limits)
    return Server(models, limits, queue, sessions, tuple(hosts), loopback_only)


def check_channels(model: OfferedModel, scans: dict[str, Scan]) -> None:
    """Refuses scans that a model cannot run on.

    Raises:
        InputError: A channel is missing.
    """
    known = model.channels
    missing = [name for name, needed in known.items() if needed and name not in scans]
    if missing or not set(known) & set(scans):
        needed = ", ".join(missing) or f"one of {', '.join(known)}"
        raise InputError(
            f"{model.name} needs the channel {needed}. "
            f"Received: {', '.join(scans) or 'no scan'}. Upload it, or say which scan "
            "it is."
        )


def _scan(session: Session, key: str) -> Scan:
    try:
        return session.scan(key)
    except KeyError:
        raise InputError(
            "A channel must be a scan of this session. "
            f"Received: scan={key!r:.40}. Upload it again."
        ) from None


def _known_series(scan: Scan, wanted: str) -> str:
    """The UID of a series that the scan has: no other text becomes part of a path."""
    for row in scan.facts.get("series", []):
        if wanted in (row["uid"], row["series"]):
            return row["uid"] or row["series"]
    raise InputError(
        "A series must be one of those that the scan has. "
        f"Received: series={wanted!r:.80}. See GET /api/v1/session."
    )
