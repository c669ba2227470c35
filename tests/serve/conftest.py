"""A server with small models, started once, and visitors with sessions of their own."""

import gzip
import json
import threading
import time
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from medzoo.io import write
from medzoo.serve.app import make_app
from medzoo.serve.limits import Limits
from medzoo.serve.run import address_of, listen
from medzoo.serve.server import make_server
from tests.serve.browser import MILLISECONDS

ADDRESS = "http://127.0.0.1:8765"
# Of the tests' server: small enough to be exceeded.
LIMITS = Limits(upload_bytes=4 << 20, session_bytes=6 << 20, session_scans=4)


class Visitor:
    """One browser: a client with its own session.

    Args:
        app: ASGI application.
        token: Of the server; None stays outside.
    """

    def __init__(self, app, token):
        self.client = TestClient(app, base_url=ADDRESS)
        if token is not None:
            given = {"Authorization": f"Bearer {token}"}
            opened = self.client.post("/api/v1/session", headers=given)
            self.secret = opened.json()["session"]

    def __getattr__(self, method):
        """`get`, `post`, ... of a path of the API."""
        call = getattr(self.client, method)
        return lambda path, **options: call(f"/api/v1{path}", **options)

    def upload(self, content, name="head.nii.gz"):
        """PUTs a scan; returns the answer."""
        data = content if isinstance(content, bytes) else content.read_bytes()
        return self.put("/scans", params={"name": name}, content=data)

    def start(self, models, **channels):
        """POSTs a job; returns the answer."""
        return self.post("/jobs", json={"models": models, "channels": channels})

    def wait(self, job, seconds=240):
        """Asks for a job until it has ended; returns it, and all that was seen."""
        seen, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            seen.append(self.get(f"/jobs/{job['id']}").json())
            if seen[-1]["state"] in ("done", "failed", "cancelled"):
                return SimpleNamespace(job=seen[-1], seen=seen)
            time.sleep(0.02)
        raise TimeoutError(seen[-1])


@pytest.fixture(scope="session")
def head(tmp_path_factory, head_phantom):
    """A small scan, a file."""
    path = tmp_path_factory.mktemp("scans") / "head.nii.gz"
    write(head_phantom(spacing=6.0), path)
    return path


@pytest.fixture(scope="session")
def running(models):
    """The server and its application, running."""
    server = make_server(list(map(str, models.values())), limits=LIMITS)
    app = make_app(server)
    with TestClient(app, base_url=ADDRESS):
        yield SimpleNamespace(server=server, app=app)


@pytest.fixture
def visit(running):
    """A function that makes a `Visitor`."""
    made = []

    def make(token=running.server.token):
        made.append(Visitor(running.app, token))
        return made[-1]

    yield make
    for visitor in made:
        visitor.delete("/session")


@pytest.fixture
def visitor(visit):
    return visit()


@pytest.fixture(scope="session")
def truncated(head):
    """The bytes of a scan whose end is missing."""
    whole = gzip.decompress(head.read_bytes())
    return gzip.compress(whole[: len(whole) // 2])


@pytest.fixture
def error_of():
    """A function that gives the sentence of a refusal, checked for its form."""

    def read(answer, status):
        assert answer.status_code == status, answer.text
        content = json.loads(answer.text)
        assert set(content) == {"error"}
        assert "Traceback" not in content["error"]
        assert "/tmp" not in content["error"]
        assert "medzoo-serve-" not in content["error"]
        return content["error"]

    return read


@pytest.fixture(scope="module")
def address(models):
    """The address of a server that listens on loopback."""
    import uvicorn

    server = make_server(list(map(str, models.values())))
    listener = listen("127.0.0.1", 0)
    program = uvicorn.Server(uvicorn.Config(make_app(server), log_level="warning"))
    running = {"sockets": [listener]}
    thread = threading.Thread(target=program.run, kwargs=running, daemon=True)
    thread.start()
    yield address_of(listener, server.token)
    program.should_exit = True
    thread.join(60)


@pytest.fixture
def page(chromium, address):
    """The page, opened; what it asked for and complained of is noted."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    found = context.new_page()
    found.set_default_timeout(MILLISECONDS)
    asked, said = [], []
    found.on("request", lambda request: asked.append(request.url))
    found.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    found.on("pageerror", lambda error: said.append(str(error)))
    found.goto(address)
    found.wait_for_selector(".choice")
    yield SimpleNamespace(page=found, asked=asked, said=said)
    root = address.partition("?")[0]
    elsewhere = [url for url in asked if not url.startswith((root, "data:", "blob:"))]
    assert elsewhere == []
    context.close()
