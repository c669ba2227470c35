"""Guard: who may come in, from which page, and what answers tell browsers."""

import hmac
import ipaddress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from medzoo.serve.server import Server
from medzoo.serve.sessions import Session

SAFE_METHODS = ("GET", "HEAD")
OPENING = "/api/v1/session"
# Scripts and styles are files of the server, pictures may be part of the page. Styles
# in attributes are the widths of bars and the colours of classes.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NO_TOKEN = (
    "A token is needed. Received: none, or one that has ended. Open the address that "
    "`medzoo serve` printed."
)


class Guard:
    """ASGI middleware: refuses strangers, and sets the headers of every answer.

    Args:
        app: What is guarded.
        server: `Server`.
    """

    def __init__(self, app: Any, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in own
                    ),
                ]
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            from starlette.responses import JSONResponse

            status, text = refused
            answer = JSONResponse({"error": text}, status)
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        """Gives status and reason of a refusal; notes the session of who may pass."""
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        text = {name: value.decode("latin-1") for name, value in headers.items()}
        if not self._is_host(text.get("host", "")):
            return 403, (
                "The address must be one of this machine. Received: another host. "
                "Use the printed address, or start with --allow-host NAME."
            )
        if not _is_own_page(scope["method"], text):
            return 403, "Another site's page may not do this. Received: its origin."
        secret = _secret_of(text, cookie_name(scope))
        session = self._server.sessions.find(secret)
        opens = self._is_token(_token_of(scope, secret))
        scope.setdefault("state", {})["session"] = session
        scope["state"]["opens"] = opens
        if session is None and not opens:
            return 403, NO_TOKEN
        return self._too_large(scope, text)

    def _is_host(self, host: str) -> bool:
        """Whether a Host header is an address: a name may be rebound to this machine.

        Names that a page elsewhere was loaded from are the way of DNS rebinding.
        """
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        if name == "localhost" or name in self._server.hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._server.loopback_only

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._server.token.encode())

    def _too_large(self, scope: Any, headers: dict) -> tuple[int, str] | None:
        """Bounds bodies that are held in memory; uploads are bounded on their way."""
        if scope["method"] in SAFE_METHODS or scope["path"] == "/api/v1/scans":
            return None
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            return 411, "A request must tell its length. Received: none."
        if int(length) > self._server.limits.body_bytes:
            return 413, (
                f"A request takes at most {self._server.limits.body_bytes} bytes. "
                f"Received: {int(length)}."
            )
        return None


def cookie_name(scope: Any) -> str:
    """Gives the name of the cookie: browsers share cookies between ports."""
    port = (scope.get("server") or ("", 0))[1]
    return f"medzoo-{port or 0}"


def session_of(request: Any) -> Session | None:
    """Gives the session of a request that the guard let pass, or None."""
    return request.state.session


def _is_own_page(method: str, headers: dict[str, str]) -> bool:
    """Whether a request comes from a page of this server, from a script or a link."""
    if headers.get("sec-fetch-site") == "cross-site":
        # A link elsewhere to the page is fine; a picture or a form of it is not.
        return method in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    if method in SAFE_METHODS:
        return True
    origin = headers.get("origin")
    # Browsers always send it with what changes anything; scripts have none.
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _secret_of(headers: dict[str, str], cookie: str) -> str:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == cookie:
            return value
    return ""


def _token_of(scope: Any, secret: str) -> str:
    """The token: in the address of the page, or as the bearer who opens a session."""
    if scope["path"] == "/" and scope["method"] in SAFE_METHODS:
        query = scope["query_string"].decode("latin-1")
        return parse_qs(query).get("token", [""])[0]
    if scope["path"] == OPENING and scope["method"] == "POST":
        return secret
    return ""
