"""What requests and answers of the API hold; the OpenAPI page is made of these."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ErrorInfo:
    """A refusal: the rule that failed, what was received, what to do."""

    error: str


@dataclass
class ModelInfo:
    """A model on offer; `channels` says of each whether it is required.

    `explains` says whether an explanation of its results can be asked for.
    """

    name: str
    version: str
    summary: str
    channels: dict[str, bool]
    licence: str
    seconds: float | None
    compares_people: bool
    preselected: bool
    explains: bool


@dataclass
class ScanInfo:
    """An upload: shape in voxels, spacing in mm; of DICOM the series it holds."""

    id: str
    name: str
    bytes: int
    channel: str
    shape: list[int] | None = None
    spacing: list[float] | None = None
    orientation: str | None = None
    series: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class JobRequest:
    """Models to run; channel -> id of a scan; of DICOM, channel -> series."""

    models: list[str]
    channels: dict[str, str]
    series: dict[str, str] = field(default_factory=dict)
    age: float | None = None
    sex: str | None = None


@dataclass
class JobInfo:
    """A job: state (queued, running, done, failed, cancelled), progress, results.

    `explains` is the id of the job whose result it explains, or "".
    """

    id: str
    state: str
    case_id: str
    models: list[str]
    ahead: int
    seconds: float
    error: str
    explains: str = ""
    progress: dict[str, Any] | None = None
    results: dict[str, Any] = field(default_factory=dict)


@dataclass
class LimitInfo:
    """Limits of one session."""

    upload_bytes: int
    session_bytes: int
    session_scans: int
    session_jobs: int
    session_seconds: float


@dataclass
class SessionInfo:
    """A session: its scans and jobs, and when it ends by itself."""

    scans: list[ScanInfo]
    jobs: list[JobInfo]
    seconds_left: float
    limits: LimitInfo


@dataclass
class OpenedSession:
    """The secret of a new session, to be sent as `Authorization: Bearer SECRET`."""

    session: str
