"""Ports and addresses, and the server as a process: started, used, interrupted."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.serve.run import address_of, is_loopback, listen


def test_the_usual_port_or_the_next(monkeypatch):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port={port}"):
            listen("127.0.0.1", port)
        monkeypatch.setattr("medzoo.serve.run.USUAL_PORT", port)
        with listen("127.0.0.1", None) as other:
            assert port < other.getsockname()[1] < port + 10


def test_another_machines_address_is_refused():
    with pytest.raises(InputError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


def test_the_address_holds_the_token():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        address = address_of(listener, "secret")
    assert address == f"http://127.0.0.1:{port}/?token=secret"
    if socket.has_ipv6:
        with listen("::1", 0) as listener:
            assert address_of(listener, "t").startswith("http://[::1]:")


def test_the_command_serves_until_it_is_interrupted(models, head, tmp_path):
    arguments = ["serve", str(models["tiny_age"]), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "medzoo", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(medzoo.__file__).parents[1]),
            "TMPDIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = ""
        while not address:
            found = re.search(r"http://\S+", process.stdout.readline())
            address = found.group() if found else ""
        root, token = address.split("/?token=")
        content, cookies = request(f"{root}/api/v1/session", "POST", token)
        secret = json.loads(content)["session"]
        request(f"{root}/api/v1/scans?name=a.nii.gz", "PUT", secret, head.read_bytes())
        assert "medzoo-" in cookies
        assert list(tmp_path.glob("medzoo-serve-*/*/scan-*/scan.nii.gz"))
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(root, timeout=20)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert "Traceback" not in out
    assert list(tmp_path.glob("medzoo-serve-*")) == []


def test_a_killed_server_takes_its_processes_with_it(models, tmp_path):
    arguments = ["serve", str(models["tiny_age"]), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "medzoo", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(medzoo.__file__).parents[1]),
            "TMPDIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    while "http://" not in process.stdout.readline():
        pass
    deadline = time.monotonic() + 60
    while not (children := children_of(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.communicate()
    while any(map(lives, children)):
        assert time.monotonic() < deadline, children
        time.sleep(0.2)


def request(address, method, secret, data=None):
    asked = urllib.request.Request(address, data=data, method=method)
    asked.add_header("Authorization", f"Bearer {secret}")
    if data is None:
        asked.add_header("Content-Length", "0")
    with urllib.request.urlopen(asked, timeout=120) as answer:
        return answer.read(), answer.headers.get("Set-Cookie", "")


def children_of(process):
    threads = Path(f"/proc/{process}/task")
    if not threads.is_dir():
        pytest.skip("needs /proc")
    places = threads.glob("*/children")
    return [int(number) for place in places for number in place.read_text().split()]


def lives(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
