"""Scans, jobs and models as the API tells of them."""

import re
from dataclasses import asdict

from medzoo.serve.api_types import JobInfo, LimitInfo, ModelInfo, ScanInfo, SessionInfo
from medzoo.serve.jobs import Job
from medzoo.serve.offered_models import preselected
from medzoo.serve.server import Server
from medzoo.serve.sessions import Scan, Session

# What names of files tell about the contrast; the first that fits.
CONTRASTS = (
    ("t1_ir", re.compile(r"t1[-_ ]?ir\b|t1[-_ ]?ir[-_.]|inversion", re.I)),
    ("flair", re.compile("flair", re.I)),
    ("t2", re.compile(r"(?<![a-z0-9])t2", re.I)),
    ("pd", re.compile(r"(?<![a-z0-9])pdw?(?![a-z])", re.I)),
)
USUAL_CHANNEL = "t1"


def model_infos(server: Server) -> list[ModelInfo]:
    """Tells of the models on offer."""
    proposed = preselected(server.models)
    return [
        ModelInfo(
            name=model.name,
            version=model.recipe.version,
            summary=model.recipe.summary,
            channels=model.channels,
            licence=model.recipe.licence,
            seconds=model.seconds,
            compares_people=model.compares_people,
            preselected=model.name == proposed,
            explains=model.explains,
        )
        for model in server.models.values()
    ]


def scan_info(scan: Scan) -> ScanInfo:
    """Tells of a scan."""
    return ScanInfo(
        id=scan.key,
        name=scan.name,
        bytes=scan.num_bytes,
        channel=guessed_channel(scan),
        **scan.facts,
    )


def guessed_channel(scan: Scan) -> str:
    """Gives the contrast that a scan seems to be: by its series, else its name."""
    told = [row.get("channel") for row in scan.facts.get("series", [])]
    known = [channel for channel in told if channel]
    if known:
        return USUAL_CHANNEL if USUAL_CHANNEL in known else known[0]
    found = [name for name, pattern in CONTRASTS if pattern.search(scan.name)]
    return found[0] if found else USUAL_CHANNEL


def job_info(server: Server, job: Job) -> JobInfo:
    """Tells of a job."""
    running = job.state == "running" and job.pace is not None
    return JobInfo(
        id=job.key,
        state=job.state,
        case_id=job.order.case_id,
        models=list(job.order.models),
        ahead=server.queue.ahead_of(job) if job.state == "queued" else 0,
        seconds=round(job.seconds(), 1),
        error=job.error,
        explains=job.order.of,
        progress=job.pace.to_dict() if running else None,
        results=dict(job.results),
    )


def session_info(server: Server, session: Session) -> SessionInfo:
    """Tells of all that a session holds."""
    known = asdict(server.limits)
    names = LimitInfo.__dataclass_fields__
    return SessionInfo(
        scans=[scan_info(scan) for scan in list(session.scans.values())],
        jobs=[job_info(server, job) for job in list(session.jobs.values())],
        seconds_left=round(server.sessions.seconds_left(session), 1),
        limits=LimitInfo(**{name: known[name] for name in names}),
    )
