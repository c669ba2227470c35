"""Connections end, whatever a server does."""

import socket
import threading
import time
from contextlib import closing, suppress

import pytest

from medzoo.errors import IntegrityError
from medzoo.transport import FaultError, chunks, open_address, public

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n"


@pytest.fixture
def server():
    """A function: starts a server that does with each connection what it is told."""
    sockets = []

    def start(behave):
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with closing(connection):
                    connection.recv(65536)
                    with suppress(OSError):
                        behave(connection)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/x"

    yield start
    for listening in sockets:
        listening.close()


def trickled(content, seconds=0.05):
    def behave(connection):
        for byte in content * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return behave


def test_headers_that_trickle_end(server):
    url = server(trickled(b"HTTP/1.1 200 OK\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
    began = time.monotonic()
    with pytest.raises(FaultError):
        open_address(url, header_seconds=0.5)
    assert time.monotonic() - began < 5


def test_a_body_that_trickles_ends(server):
    def behave(connection):
        connection.sendall(HEAD + b"\r\n")
        trickled(b"x")(connection)

    with (
        open_address(server(behave)) as response,
        pytest.raises(FaultError, match="only"),
    ):
        list(chunks(response, 1000, slowest=(1000, 0.4)))


def test_a_body_without_an_end_ends(server):
    def behave(connection):
        connection.sendall(HEAD + b"\r\n")
        while True:
            connection.sendall(b"[" * 1000)

    with (
        open_address(server(behave)) as response,
        pytest.raises(FaultError, match="more than 5000 bytes"),
    ):
        list(chunks(response, 5000))


def test_a_body_has_a_deadline_in_all(server, monkeypatch):
    monkeypatch.setattr("medzoo.transport.BODY_SECONDS", 0.3)

    def behave(connection):
        connection.sendall(HEAD + b"\r\n")
        trickled(b"x", 0.01)(connection)

    with (
        open_address(server(behave)) as response,
        pytest.raises(FaultError, match="not finished"),
    ):
        list(chunks(response, 100, slowest=(0, 0.1)))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 No\r\n\r\n",
    ],
)
def test_strange_answers_are_faults_of_one_kind(server, answer):
    with pytest.raises(FaultError):
        open_address(server(lambda connection: connection.sendall(answer)))


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_never_leaves_the_protocol(server, place):
    answer = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\n\r\n".encode()
    with pytest.raises((IntegrityError, FaultError)):
        open_address(server(lambda connection: connection.sendall(answer)))


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://a b/", "file:///x", "x", "http://\u2603..com/"]
)
def test_what_is_no_address_is_a_fault(url):
    with pytest.raises(FaultError):
        open_address(url)


def test_a_closed_port_is_a_fault():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FaultError):
        open_address(f"http://127.0.0.1:{port}/")


def test_shown_addresses_hold_no_secret():
    assert public("https://me:pw@host/a?token=1") == "https://host/a"
    assert "::1" in public("http://[::1")
