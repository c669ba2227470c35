"""Requests to a hub, through huggingface_hub, which manages tokens and addresses.

The bytes themselves come through `medzoo.transfer`: hashed while they stream,
under a name of the process's own, which the hub's own cache with its locks does not
offer.
"""

import json
import os
from dataclasses import dataclass
from urllib.parse import quote

from medzoo.errors import InputError, IntegrityError, MedzooError, OfflineError
from medzoo.transfer import (
    PASSING_STATUS,
    TIMEOUT_SECONDS,
    PassingError,
    RefusedError,
    read_answer,
    refusal,
    seconds_asked,
)
from medzoo.zoo.recipe.hub_address import COMMIT, HubModel
from medzoo.zoo.recipe.strict_json import shown

# A listing of a thousand files has 200 kB.
MOST_LISTED = 10_000_000
_TRUE = ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True)
class HubFile:
    """A file in a repository, as the hub lists it.

    Attributes:
        size: Bytes, or None.
        git_sha1: Name of its content in git, or None where the content is not in git.
        sha256: Hash of its content where that is not in git, or None.
    """

    size: int | None
    git_sha1: str | None
    sha256: str | None


def is_offline() -> bool:
    """Whether the user forbade the network (HF_HUB_OFFLINE)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE


def endpoint() -> str | None:
    """The hub that the user named (HF_ENDPOINT), or None for the usual one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def api():
    """The hub's own client."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint(), library_name="medzoo")


def forbidden(subject: str) -> OfflineError:
    """The error for what needs the network that the user forbade."""
    return OfflineError(
        f"Network access is disabled. Received: HF_HUB_OFFLINE is set, for {subject}. "
        f"Unset it."
    )


def file_url(model: HubModel, file: str) -> str:
    """The address of a file of a pinned model."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(model.repo, file, revision=model.revision, endpoint=endpoint())


def file_headers() -> dict[str, str]:
    """What a request for a file needs: the user's token, if there is one."""
    from huggingface_hub.utils import build_hf_headers

    return build_hf_headers(library_name="medzoo")


def list_files(model: HubModel) -> tuple[str, dict[str, HubFile]]:
    """Asks the hub which commit a revision names, and which files it holds.

    Returns:
        The commit, and the files by their paths.

    Raises:
        InputError: There is no such repository or revision, or it is not for all.
        IntegrityError: The response is not a hub's, or names another commit.
        OfflineError: The hub cannot be reached.
    """
    try:
        answer = read_answer(
            _listing_url(model),
            MOST_LISTED,
            file_headers(),
            timeout=TIMEOUT_SECONDS,
        )
    except RefusedError as fault:
        raise _refused(fault.status, str(model)) from None
    commit, files = _parsed(answer, model)
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise _no_hub(model, f"commit={shown(commit)}")
    if model.is_pinned and commit != model.revision:
        raise _no_hub(model, f"commit={commit}")
    return commit, files


def _listing_url(model: HubModel) -> str:
    """The address of a hub's listing of a repository."""
    from huggingface_hub.constants import ENDPOINT

    revision = quote(model.revision, safe="")
    base = endpoint() or ENDPOINT
    return f"{base}/api/models/{model.repo}/revision/{revision}?blobs=true"


def _parsed(answer: bytes, model: HubModel) -> tuple[object, dict[str, HubFile]]:
    """Commit and files of a hub's response, all of it validated."""
    try:
        found = json.loads(answer)
        listed = {f["rfilename"]: _listed(f) for f in found.get("siblings") or []}
        return found.get("sha"), listed
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as fault:
        said = shown(" ".join(str(fault).split()) or type(fault).__name__)
        raise _no_hub(model, said) from None


def _listed(entry: dict) -> HubFile:
    size = entry.get("size") if type(entry.get("size")) is int else None
    if entry.get("lfs") is not None:
        # What git has of it is a pointer, whose hash is not the file's.
        return HubFile(size, None, entry["lfs"]["sha256"])
    return HubFile(size, entry.get("blobId") if size is not None else None, None)


class HubFaults:
    """A context in which the faults of huggingface_hub become those of medzoo.

    Args:
        subject: What was asked for.
    """

    def __init__(self, subject: object):
        self.subject = str(subject)

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace) -> None:
        from huggingface_hub.errors import (
            HTTPError,
            LocalTokenNotFoundError,
            OfflineModeIsEnabled,
        )

        if fault is None or isinstance(fault, MedzooError | KeyboardInterrupt):
            return
        said = " ".join(str(fault).split())
        if isinstance(fault, OfflineModeIsEnabled | LocalTokenNotFoundError):
            raise OfflineError(
                f"The hub could not be used. Received: {shown(said)}, for "
                f"{self.subject}. Unset HF_HUB_OFFLINE, or log in with `hf auth login`."
            ) from None
        # Uploads wrap what happened.
        for cause in (fault, fault.__cause__):
            # Every fault of a connection is an OSError or of the client's own family.
            if isinstance(cause, HTTPError | OSError):
                raise self._of_http(cause) from None
        # A response that is no JSON, or JSON of another shape.
        if isinstance(fault, ValueError | KeyError | TypeError | AttributeError):
            raise _no_hub(self.subject, shown(said)) from None

    def _of_http(self, fault: Exception) -> Exception:
        response = getattr(fault, "response", None)
        if response is None:
            return PassingError(" ".join(str(fault).split()) or type(fault).__name__)
        status = response.status_code
        if status in PASSING_STATUS:
            return PassingError(f"status {status}", seconds_asked(response.headers))
        return _refused(status, self.subject)


def _refused(status: int | None, subject: str) -> Exception:
    if status in (401, 403, 404):
        return InputError(
            "The repository was not found, or access is denied. Received: status "
            f"{status} for {subject}. Check the address; if it is private, log in with "
            "`hf auth login` or set HF_TOKEN."
        )
    return refusal(status, subject)


def _no_hub(subject: object, received: str) -> IntegrityError:
    return IntegrityError(
        f"Unexpected hub response. Received: {received}, for {subject}. "
        f"Check HF_ENDPOINT; it may be a page to log in."
    )
