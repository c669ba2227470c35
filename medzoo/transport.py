"""Connections that end: bounded in time, speed and size, redirects checked.

The one way in which bytes come from a server, be they weights, a hub's responses or a
data set. A socket's own time limit begins anew with every byte, so that a server that
trickles, in its headers or in its body, would hold a program for ever.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from medzoo._version import __version__
from medzoo.errors import IntegrityError, MedzooError

CHUNK_BYTES = 1 << 18
# Without a byte for so long a connection counts as dead.
TIMEOUT_SECONDS = 20.0
# And so does one that trickles.
SLOWEST_BYTES, SLOWEST_SECONDS = 2**14, 30.0
# From the request to the last of the answer's headers.
HEADER_SECONDS = 60.0
# A body may take so long, and a second more for so many bytes of its largest size.
BODY_SECONDS, DEADLINE_BYTES = 300.0, 10_000


class FaultError(Exception):
    """An exchange with a server that failed.

    Args:
        reason: What happened: text or exception.
        status: HTTP status, or None where there was no answer.
        headers: Of the answer, or None.
    """

    def __init__(self, reason: object, status: int | None = None, headers=None):
        super().__init__(" ".join(str(reason).split()) or type(reason).__name__)
        self.reason = reason
        self.status = status
        self.headers = headers or {}


def open_address(
    url: str,
    headers: dict[str, str] | None = None,
    *,
    timeout: float = TIMEOUT_SECONDS,
    header_seconds: float = HEADER_SECONDS,
):
    """Asks a server; gives the response, to be closed.

    Args:
        url: https:// or http://.
        headers: Of the request; Authorization does not follow to another host.
        timeout: Seconds without a byte.
        header_seconds: Seconds until all headers are there.

    Raises:
        FaultError: Whatever goes wrong, an address that is none included.
        IntegrityError: A redirect to a weaker protocol.
    """
    own = {"Accept-Encoding": "identity", "User-Agent": f"medzoo/{__version__}"}
    try:
        if urlsplit(url).scheme not in ("http", "https"):
            raise FaultError(f"not an address of http or https: {public(url)}")
        request = Request(url, headers={**own, **(headers or {})})
        request.header_seconds = header_seconds
        return _OPENER.open(request, timeout=timeout)
    except MedzooError:  # of a redirect; it is an OSError too
        raise
    except HTTPError as error:
        with error:
            raise FaultError(error, error.code, error.headers) from None
    except URLError as error:
        raise FaultError(error.reason) from None
    # ValueError: of an address, in the request or in a redirect, that is none.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FaultError(error) from None


def chunks(
    response,
    most: int,
    *,
    slowest: tuple[int, float] = (SLOWEST_BYTES, SLOWEST_SECONDS),
    waiting: Callable[[], None] | None = None,
) -> Iterator[bytes]:
    """Gives a response's body piece by piece.

    Args:
        response: From `open_address`.
        most: Largest size that the caller takes; the deadline follows from it.
        slowest: Bytes that must come in so many seconds.
        waiting: Called with every piece, however small, or None.

    Raises:
        FaultError: The connection breaks, trickles, takes too long in all or gives
            more than the caller takes.
    """
    began = started = time.monotonic()
    received = total = 0
    deadline = BODY_SECONDS + most / DEADLINE_BYTES
    while True:
        chunk = _piece(response)
        if not chunk:
            return
        yield chunk
        if waiting is not None:
            waiting()
        received += len(chunk)
        total += len(chunk)
        # After the caller had it, who may know better what is wrong with it.
        if total > most:
            raise FaultError(f"more than {most} bytes")
        now = time.monotonic()
        if now - began > deadline:
            raise FaultError(f"not finished after {deadline:.0f} s")
        if now - started > slowest[1]:
            if received < slowest[0]:
                raise FaultError(f"only {received} bytes in {now - started:.0f} s")
            started, received = now, 0


def _piece(response) -> bytes:
    try:
        # read() would wait for a full chunk, however slowly it trickles in.
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FaultError(error) from None


def public(url: str) -> str:
    """An address without what may be secret in it: user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return repr(url[:80])
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but never to a weaker protocol, nor with a token elsewhere."""

    max_redirections = 5

    def redirect_request(self, request, file, code, message, headers, url):
        url = urljoin(request.full_url, url)
        old, new = urlsplit(request.full_url), urlsplit(url)
        if new.scheme not in ("https", old.scheme):
            raise IntegrityError(
                f"A redirect must not leave {old.scheme}. Received: {public(url)} from "
                f"{public(request.full_url)}. Report it to the publisher."
            )
        following = super().redirect_request(request, file, code, message, headers, url)
        if following is not None:
            following.header_seconds = getattr(
                request, "header_seconds", HEADER_SECONDS
            )
            if old.netloc != new.netloc:
                following.remove_header("Authorization")
        return following


@contextmanager
def _ended_after(seconds: float, sock: object):
    """Shuts a socket down after so long, which ends whatever waits for it."""

    def shut() -> None:
        with suppress(OSError):
            sock.shutdown(2)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Bounded:
    """Of a connection: its headers must be there in time."""

    header_seconds = HEADER_SECONDS

    def getresponse(self):
        with _ended_after(self.header_seconds, self.sock):
            return super().getresponse()


class _Connection(_Bounded, http.client.HTTPConnection):
    pass


class _SafeConnection(_Bounded, http.client.HTTPSConnection):
    pass


def _made(kind: type, request: Request) -> Callable:
    """What urllib calls to make a connection for a request."""

    def make(host, **options):
        connection = kind(host, **options)
        connection.header_seconds = getattr(request, "header_seconds", HEADER_SECONDS)
        return connection

    return make


class _Http(HTTPHandler):
    def http_open(self, request):
        return self.do_open(_made(_Connection, request), request)


class _Https(HTTPSHandler):
    def https_open(self, request):
        return self.do_open(
            _made(_SafeConnection, request), request, context=self._context
        )


_OPENER = build_opener(_Redirects, _Http, _Https)
