"""One file over HTTP(S) or from file://: streamed, bounded and hashed on the way."""

import hashlib
import random
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from medzoo.errors import InputError, IntegrityError, OfflineError
from medzoo.files import naming
from medzoo.transport import FaultError, chunks, open_address, public

CHUNK_BYTES = 1 << 18
# Without a byte for so long a connection counts as dead.
TIMEOUT_SECONDS = 20.0
# And so does one that trickles.
SLOWEST_BYTES, SLOWEST_SECONDS = 2**14, 30.0
ATTEMPTS = 4
FIRST_WAIT_SECONDS = 0.4
LONGEST_WAIT_SECONDS = 30.0
PARTIAL, RANGE_NOT_SATISFIABLE = 206, 416
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Expected:
    """What the bytes of a file must be.

    Attributes:
        most: Largest size in bytes.
        size: Exact size in bytes, where it is known.
        sha256: Hexadecimal, where it is known.
        git_sha1: Name of the content in git (a SHA-1 over size and content), where it
            is known; it needs the size.
    """

    most: int
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None


class PassingError(Exception):
    """A fault that may be gone in a moment.

    Args:
        reason: What happened.
        wait: Seconds that the server asked for, or None.
    """

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


class RefusedError(OfflineError):
    """A server responded with an error status."""

    status: int | None = None


def with_patience(action: Callable[[], object], subject: str) -> object:
    """Gives what `action` gives, and tries again when it raises `PassingError`.

    Raises:
        OfflineError: It raised `PassingError` each time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except PassingError as fault:
            if attempt == ATTEMPTS:
                raise OfflineError(
                    f"The server did not respond. Received: {fault}, {ATTEMPTS} times, "
                    f"from {subject}. Try again later."
                ) from None
            # Spread out, so that those who failed together do not return together.
            # Nobody should believe that nothing happens.
            with suppress(OSError):
                sys.stderr.write(
                    f"medzoo: {subject}: {fault}; trying again, "
                    f"{attempt + 1} of {ATTEMPTS}\n"
                )
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
            time.sleep(min(fault.wait or wait, LONGEST_WAIT_SECONDS))


def transfer(
    url: str,
    path: Path,
    expected: Expected,
    *,
    headers: dict[str, str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    resume: bool = False,
    timeout: float | None = None,
) -> None:
    """Copies a file from a server, or from a place in the file system, to `path`.

    Args:
        url: https://, http:// (a hub that the user named) or file://.
        path: Where to; overwritten. Its content is only right when this returns.
        expected: What the bytes must be.
        headers: Of the request; Authorization does not follow to another host.
        progress: Called with the bytes that are there, and those in all or None.
        resume: Whether `path` holds the first bytes already, and keeps what came when
            the connection breaks. Hashes are the caller's then: `expected` has none.
        timeout: Seconds without a byte, 20 by default.

    Raises:
        IntegrityError: The bytes are not the expected ones.
        OfflineError: The server does not respond, or does not return the file.
    """
    if scheme_of(url) == "file":
        _copy_local(url, path, expected)
        return

    def attempt():
        start = path.stat().st_size if resume and path.is_file() else 0
        asked = {"Range": f"bytes={start}-"} if start else {}
        try:
            response = _open(url, {**(headers or {}), **asked}, timeout)
        except RefusedError as refused:
            # Nothing lies beyond what is here: its hash says whether it is right.
            if start and refused.status == RANGE_NOT_SATISFIABLE:
                return
            raise
        with response:
            # A server that does not know ranges sends it all again.
            start = start if response.status == PARTIAL else 0
            _save(response, url, path, expected, progress, start)

    with_patience(attempt, public(url))


def scheme_of(url: str) -> str:
    """The scheme of an address.

    Raises:
        InputError: It is none, as http://[::1.
    """
    try:
        return urlsplit(url).scheme
    except ValueError as error:
        raise InputError(
            f"An address must be a valid URL. Received: {url[:80]!r}: {error}. Correct "
            "it."
        ) from None


def _save(response, url, path, expected, progress, start) -> None:
    """Writes a response's body to a file, behind the first `start` bytes."""
    declared = response.headers.get("Content-Length") or ""
    promised = start + int(declared) if declared.isdecimal() else None
    if promised is not None:
        beginning = _beginning(response, promised, expected)
        _check_size(promised, expected, url, beginning)
    with naming(path), open(path, "ab" if start else "wb") as file:
        pieces = _passing(response, expected)
        watch = progress and (lambda done: progress(done, promised))
        received = _receive(pieces, file, expected, url, watch, start)
    promised = expected.size if promised is None else promised
    if promised is not None and received < promised:
        raise PassingError(f"the connection closed at {received} of {promised} bytes")


def _open(url, headers, timeout):
    try:
        return open_address(url, headers, timeout=timeout or TIMEOUT_SECONDS)
    except FaultError as fault:
        if fault.status is not None:
            raise _status_fault(fault, url) from None
        raise _connection_fault(fault.reason, url) from None


def _passing(response, expected):
    """A response's body; what breaks it may be otherwise in a second."""
    slowest = (SLOWEST_BYTES, SLOWEST_SECONDS)
    try:
        yield from chunks(response, expected.size or expected.most, slowest=slowest)
    except FaultError as fault:
        raise PassingError(str(fault)) from None


def read_answer(
    url: str,
    most: int,
    headers: dict[str, str] | None = None,
    *,
    timeout: float | None = None,
) -> bytes:
    """Returns a short response of a server, such as a hub's JSON.

    Args:
        url: https:// or http://.
        most: Largest size in bytes.
        headers: Of the request.
        timeout: Seconds without a byte, 20 by default.

    Raises:
        IntegrityError: It is larger.
        RefusedError: The server responds with an error status.
        OfflineError: The server does not answer.
    """
    expected = Expected(most)

    def ask():
        with _open(url, headers, timeout) as response:
            answer = bytearray()
            for piece in _passing(response, expected):
                answer += piece
                _check_size(len(answer), expected, url, bytes(answer[:64]))
            declared = response.headers.get("Content-Length") or ""
            if declared.isdecimal() and len(answer) < int(declared):
                raise PassingError(
                    f"the connection closed at {len(answer)} of {declared} bytes"
                )
            return bytes(answer)

    return with_patience(ask, public(url))


def _status_fault(fault: FaultError, url: str) -> Exception:
    if fault.status in PASSING_STATUS:
        return PassingError(f"status {fault.status}", seconds_asked(fault.headers))
    return refusal(fault.status, public(url))


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to be left alone for; None if it does not."""
    wait = headers.get("Retry-After") or ""
    return float(wait) if wait.isdecimal() else None


def refusal(status: int | None, subject: str) -> OfflineError:
    """The error for a status that stays as it is however often one asks."""
    remedy = {
        401: "It may be private or not exist: log in with `hf auth login`.",
        403: "Ask its owner for access, and log in with `hf auth login`.",
        404: "Check the address.",
    }.get(status, "Try another address.")
    refused = RefusedError(
        f"The server did not return the file. Received: status {status} from "
        f"{subject}. {remedy}"
    )
    refused.status = status
    return refused


def _connection_fault(reason: object, url: str) -> Exception:
    """The error for a connection that failed: may it be otherwise in a second?"""
    passing = (TimeoutError, ConnectionResetError, BrokenPipeError, HTTPException)
    said = " ".join(str(reason).split()) or type(reason).__name__
    if isinstance(reason, passing):
        return PassingError(said)
    remedy = "Check the network."
    if isinstance(reason, ssl.SSLCertVerificationError):
        remedy = "If a proxy of your site signs connections, set SSL_CERT_FILE."
    return OfflineError(
        f"A server must be reachable. Received: {said[:80]} from {public(url)}. "
        f"{remedy}"
    )


def _receive(pieces, file, expected, url, progress, received=0) -> int:
    """Writes and hashes chunks; gives their number of bytes.

    A file that is too short is left to the caller, who knows whether it was cut.
    """
    digest, git = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    git.update(f"blob {expected.size}\0".encode())
    start = b""
    for chunk in pieces:
        start = start or chunk[:64]
        received += len(chunk)
        if received > (expected.most if expected.size is None else expected.size):
            _check_size(received, expected, url, start)
        digest.update(chunk)
        git.update(chunk)
        file.write(chunk)
        if progress is not None:
            progress(received)
    complete = expected.size is None or received == expected.size
    for wanted, found in (
        (expected.sha256, digest.hexdigest()),
        (expected.git_sha1, git.hexdigest()),
    ):
        if complete and wanted not in (None, found):
            raise IntegrityError(
                f"A fetched file must have the hash {wanted}. Received: {found} from "
                f"{public(url)}. {_remedy(start)}"
            )
    return received


def _check_size(size: int, expected: Expected, url: str, start: bytes) -> None:
    exact = expected.size
    if size > expected.most or (exact is not None and size != exact):
        rule = f"at most {expected.most}" if exact is None else f"exactly {exact}"
        raise IntegrityError(
            f"A fetched file must have {rule} bytes. Received: {size} or more from "
            f"{public(url)}. {_remedy(start)}"
        )


def _beginning(response, declared: int, expected: Expected) -> bytes:
    """The first bytes of a response of a wrong size, to guess what it is."""
    if expected.size in (None, declared):
        return b""
    return next(_passing(response, expected), b"")[:64]


def _remedy(start: bytes) -> str:
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "This is a web page, perhaps one to log in: check proxy and address."
    return "Do not use this file; ask its publisher."


def _copy_local(url: str, path: Path, expected: Expected) -> None:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise OfflineError(
            f"A file:// address must name a file of this machine. Received: {url}. "
            f"Write file:///folder."
        )
    place = Path(url2pathname(parts.path))
    try:
        source = place.open("rb")
    except OSError as error:
        raise OfflineError(
            f"A file must be readable. Received: {error.strerror}: {place}. "
            f"Check MEDZOO_MIRROR."
        ) from None
    with source, naming(path), open(path, "wb") as file:
        pieces = iter(lambda: source.read(CHUNK_BYTES), b"")
        received = _receive(pieces, file, expected, url, None)
    _check_size(received, expected, url, b"")
