"""Runs a server: finds a port, says where it is, and serves until interrupted."""

import ipaddress
import socket
import sys
import webbrowser
from contextlib import suppress

from medzoo.errors import InputError
from medzoo.serve.app import make_app
from medzoo.serve.server import Server

USUAL_PORT = 8765
# Ports that are tried where nobody named one.
TRIED_PORTS = 10
OPEN_NOTE = (
    "medzoo: warning: Other machines can reach this server, and the connection is not "
    "encrypted: whoever listens sees token and scans. Safer: ssh -L {port}:localhost:"
    "{port} and the usual address.\n"
)


def listen(host: str, port: int | None) -> socket.socket:
    """Opens the socket that the server listens on.

    Args:
        host: Address or name of this machine to bind to.
        port: Which; 0 for any that is free, None for 8765 or one of the next.

    Raises:
        InputError: The address is not this machine's, or the port is taken.
    """
    ports = range(USUAL_PORT, USUAL_PORT + TRIED_PORTS) if port is None else [port]
    reason = ""
    for one in ports:
        try:
            family, kind, proto, _, place = socket.getaddrinfo(
                host, one, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind, proto)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            # Before the address is told: who opens it at once waits, and is served.
            listener.listen()
            return listener
        except OSError as error:
            reason = error.strerror or str(error)
    raise InputError(
        "The server must have an address and a port of its own. "
        f"Received: host={host}, port={port or USUAL_PORT}: {reason}. "
        "Give another --port."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(listener: socket.socket, token: str) -> str:
    """Gives the address to open, token and all."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        # Every address of this machine: its own is one.
        host = "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/?token={token}"


def run(server: Server, listener: socket.socket, *, browse: bool = False) -> None:
    """Serves until interrupted.

    Args:
        server: `Server`.
        listener: Of `listen`.
        browse: Whether to open the page in a browser.
    """
    import uvicorn

    address = address_of(listener, server.token)
    if not server.loopback_only:
        sys.stderr.write(OPEN_NOTE.format(port=listener.getsockname()[1]))
    sys.stdout.write(f"medzoo serves at\n\n    {address}\n\nCtrl-C ends it.\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        make_app(server),
        log_level="warning",
        # Addresses hold the token once, and names of files.
        access_log=False,
        server_header=False,
        # A proxy in front is not asked who the visitor is.
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    if browse:
        webbrowser.open(address)
    # Ctrl-C is how it ends; uvicorn raises it again after it has shut down.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
