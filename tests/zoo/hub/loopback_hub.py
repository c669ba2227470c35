"""A hub on loopback: enough of its protocol for huggingface_hub's own client.

Repositories, pre-upload, LFS upload, commits, listings and downloads with redirects, as
https://huggingface.co answers them; and, on demand, every fault of a server or a line.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

HTML = b"<!DOCTYPE html><html><body>Please log in.</body></html>"
# Larger files, and those that are no text, are kept outside git.
REGULAR_LIMIT = 100_000
STALL_SECONDS = 30.0


@dataclass
class Repository:
    """Commits, oldest first: each a name and the contents of its files by path."""

    commits: list = field(default_factory=list)
    private: bool = False

    def at(self, revision):
        if revision == "main":
            return self.commits[-1] if self.commits else ("0" * 40, {})
        found = [commit for commit in self.commits if commit[0] == revision]
        return found[0] if found else None


@dataclass
class Fault:
    """What goes wrong with GETs of paths that contain a text, so many times."""

    kind: object
    path: str
    times: int


class LoopbackHub:
    """The server, running in a thread of this process while in its `with` block."""

    def __init__(self, context=None):
        self.repositories = {}
        self.objects = {}
        self.requests = []
        self.faults = []
        self.token = None
        self.slow = 0.0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True
            )
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self.stop = threading.Event()

    def __enter__(self):
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        ).start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def put(self, repo, files):
        """Commits files past the protocol; gives the commit."""
        with self._lock:
            repository = self.repositories.setdefault(repo, Repository())
            name = hashlib.sha1(f"{repo} {len(repository.commits)}".encode())
            _, old = repository.at("main")
            repository.commits.append((name.hexdigest(), {**old, **files}))
            return name.hexdigest()

    def files(self, repo, revision="main"):
        return self.repositories[repo].at(revision)[1]

    def fail(self, kind, path="/", times=1_000_000):
        """Makes GETs of paths that contain `path` go wrong `times` times.

        Args:
            kind: a status, or "stall", "cut", "more", "more_chunked", "less", "flip",
                "html", "loop", or an address to redirect to.
            path: part of the path.
            times: int.
        """
        self.faults.append(Fault(kind, path, times))

    def fault_of(self, path):
        with self._lock:
            for fault in self.faults:
                if fault.path in path and fault.times > 0:
                    fault.times -= 1
                    return fault.kind
        return None

    def gets(self, part):
        return [
            path for method, path in self.requests if method == "GET" and part in path
        ]


def is_lfs(path, size):
    return path.endswith((".h5", ".png")) or size > REGULAR_LIMIT


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def flipped(content):
    """The content with one bit changed, in the middle."""
    half = len(content) // 2
    return content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]


_OTHER_BYTES = {
    "html": lambda content: HTML,
    "flip": flipped,
    "less": lambda content: content[:-1],
    "more": lambda content: content + b"x",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    @property
    def hub(self):
        return self.server.hub

    def handle(self):
        # A client that was killed or gave up is no news.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self):
        self._serve("GET", _GETS)

    def do_HEAD(self):
        self._serve("HEAD", _GETS)

    def do_POST(self):
        self._serve("POST", _POSTS)

    def do_PUT(self):
        self._serve("PUT", _PUTS)

    def _serve(self, method, routes):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((method, path))
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(size)
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self._chunked()
        # An upload goes to an address that is signed itself.
        wanted = None if method == "PUT" else self.hub.token
        if wanted and self.headers.get("Authorization") != f"Bearer {wanted}":
            self.error(401, "RepoNotFound")
            return
        for pattern, action in routes:
            if match := re.fullmatch(pattern, path):
                action(self, **match.groupdict())
                return
        self.error(404, "EntryNotFound")

    def _chunked(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def json(self, status, content, **headers):
        text = json.dumps(content).encode()
        self.answer(status, text, Content_Type="application/json", **headers)

    def error(self, status, code):
        self.json(status, {"error": code}, X_Error_Code=code, X_Error_Message=code)

    def repository(self, repo, revision):
        """Gives commit and files, or None after having answered that they are not."""
        repository = self.hub.repositories.get(repo)
        if repository is None:
            return self.error(404, "RepoNotFound")
        found = repository.at(revision)
        return found if found else self.error(404, "RevisionNotFound")

    # What is asked with GET

    def info(self, repo, revision="main"):
        if self._goes_wrong(b"{}"):
            return
        if (found := self.repository(repo, revision or "main")) is None:
            return
        commit, files = found
        siblings = []
        for name, content in files.items():
            entry = {"rfilename": name, "size": len(content)}
            entry["blobId"] = git_sha1(content)
            if is_lfs(name, len(content)):
                digest = hashlib.sha256(content).hexdigest()
                entry["blobId"] = git_sha1(f"a pointer to {digest}".encode())
                size = {"size": len(content), "pointerSize": 130}
                entry["lfs"] = {"sha256": digest, **size}
            siblings.append(entry)
        self.json(200, {"id": repo, "sha": commit, "siblings": siblings})

    def resolve(self, repo, revision, file):
        if (found := self.repository(repo, revision)) is None:
            return
        commit, files = found
        if file not in files:
            self.error(404, "EntryNotFound")
            return
        content = files[file]
        if is_lfs(file, len(content)):
            digest = hashlib.sha256(content).hexdigest()
            self.hub.objects[digest] = content
            self.answer(
                302,
                Location=f"{self.hub.url}/cdn/{digest}",
                X_Repo_Commit=commit,
                X_Linked_Size=len(content),
                X_Linked_Etag=f'"{digest}"',
            )
        elif not self._goes_wrong(content):
            etag = f'"{git_sha1(content)}"'
            self.answer(200, content, ETag=etag, X_Repo_Commit=commit)

    def cdn(self, oid):
        content = self.hub.objects[oid]
        if not self._goes_wrong(content):
            self.send(content)

    def send(self, content):
        """Sends a file, slowly where the hub is slow."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), 1 << 14):
            self.wfile.write(content[start : start + (1 << 14)])
            if self.hub.slow:
                time.sleep(self.hub.slow)

    def plain(self, file):
        content = self.hub.objects.get(file)
        if content is None:
            self.error(404, "EntryNotFound")
        elif not self._goes_wrong(content):
            self.send(content)

    def _goes_wrong(self, content):
        """Answers with a fault that was asked for; says whether there was one."""
        kind = self.hub.fault_of(urlsplit(self.path).path)
        if kind is None:
            return False
        if isinstance(kind, int):
            self.answer(kind, b"no", Retry_After=0)
        elif kind in _OTHER_BYTES:
            self.answer(200, _OTHER_BYTES[kind](content))
        elif kind == "more_chunked":
            self._endless()
        elif kind in ("cut", "stall"):
            half = content[: len(content) // 2]
            self.answer(200, half, Content_Length=len(content))
            if kind == "stall":
                self.hub.stop.wait(STALL_SECONDS)
            self.close_connection = True
        else:
            target = urlsplit(self.path).path if kind == "loop" else kind
            self.answer(302, Location=target)
        return True

    def _endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.hub.stop.is_set():
            self.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")

    # What is asked with POST and PUT

    def create(self):
        wanted = json.loads(self.body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        content = {"url": f"{self.hub.url}/{repo}", "name": repo}
        if repo in self.hub.repositories:
            self.json(409, {**content, "error": "You already created this model repo"})
            return
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.repositories[repo] = Repository(private=private)
        self.json(200, content)

    def validate_yaml(self):
        text = json.loads(self.body)["content"]
        try:
            block = yaml.safe_load(text.split("---\n")[1])
            assert isinstance(block, dict)
        except (yaml.YAMLError, IndexError, AssertionError) as error:
            self.json(400, {"errors": [{"message": str(error)}], "warnings": []})
            return
        self.json(200, {"errors": [], "warnings": []})

    def preupload(self, repo, revision):
        if (found := self.repository(repo, revision)) is None:
            return
        files = []
        for wanted in json.loads(self.body)["files"]:
            large = is_lfs(wanted["path"], wanted["size"])
            entry = {"path": wanted["path"], "shouldIgnore": False}
            entry["uploadMode"] = "lfs" if large else "regular"
            if (old := found[1].get(wanted["path"])) is not None:
                digest = hashlib.sha256(old).hexdigest()
                entry["oid"] = digest if large else git_sha1(old)
            files.append(entry)
        self.json(200, {"files": files})

    def lfs_batch(self, repo):
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.objects:
                upload = {"href": f"{self.hub.url}/lfs/{wanted['oid']}"}
                entry["actions"] = {"upload": upload}
            objects.append(entry)
        self.json(200, {"objects": objects, "transfer": "basic"})

    def lfs_put(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            self.answer(400)
            return
        self.hub.objects[oid] = self.body
        self.answer(200)

    def commit(self, repo, revision):
        if self.repository(repo, revision) is None:
            return
        files = {}
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        commit = self.hub.put(repo, files)
        url = f"{self.hub.url}/{repo}/commit/{commit}"
        self.json(200, {"success": True, "commitOid": commit, "commitUrl": url})


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_GETS = (
    (rf"/api/models/{_REPO}(?:/revision/(?P<revision>.+))?", _Handler.info),
    (rf"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
    (r"/cdn/(?P<oid>[0-9a-f]{64})", _Handler.cdn),
    (r"/plain/(?P<file>.+)", _Handler.plain),
)
_POSTS = (
    (r"/api/repos/create", _Handler.create),
    (r"/api/validate-yaml", _Handler.validate_yaml),
    (rf"/api/models/{_REPO}/preupload/(?P<revision>.+)", _Handler.preupload),
    (rf"/api/models/{_REPO}/commit/(?P<revision>.+)", _Handler.commit),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
)
_PUTS = ((r"/lfs/(?P<oid>[0-9a-f]{64})", _Handler.lfs_put),)
