"""A real S3 server on loopback, for tests: moto's."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.request import urlopen

ACCOUNT = {"AWS_ACCESS_KEY_ID": "medzoo", "AWS_SECRET_ACCESS_KEY": "medzoo"}
BUCKET = "scans"


@contextmanager
def s3_server():
    """Starts a server in a process of its own; gives the process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env={**os.environ, **ACCOUNT}, **silent)
    try:
        for _ in range(600):
            with suppress(OSError), urlopen(f"{address}/moto-api/"):
                break
            time.sleep(0.1)
        yield server, address
    finally:
        server.kill()
        server.wait()


def settings(address):
    """Environment variables with which a client finds the server."""
    return {
        **ACCOUNT,
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
