"""Fetching one large public file over HTTP: resumed, checked, never half there."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from medzoo.errors import InputError, IntegrityError, OfflineError

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
# Breaks in a row, without a byte between them, after which to give up.
MOST_TRIES = 4
PARTIAL, RANGE_NOT_SATISFIABLE = 206, 416


def download(url, path, *, md5, progress=None):
    """Fetches a file, unless it is there already and right.

    What has arrived stays in `<path>.part` when the connection breaks or the program
    is stopped, and the next call goes on from there. The file gets its name only when
    all its bytes are there and its MD5 is right. MD5 guards against damage; where the
    server does not offer https it does not prove who sent the file.

    Args:
        url: str, http or https.
        path: where to; its folder must exist.
        md5: str, 32 hexadecimal digits.
        progress: callable `(bytes_done, bytes_in_all or None)`, or None.

    Returns:
        pathlib.Path, `path`.

    Raises:
        InputError: if the address is not http or https.
        OfflineError: if the server cannot be reached, or has no such file.
        IntegrityError: if the bytes are not those expected; they are thrown away.
    """
    if not re.match("https?://", url):
        raise InputError(
            f"A download must be over http or https. Received: url={url!r}."
        )
    path = Path(path)
    part = path.with_name(path.name + ".part")
    if path.is_file() and md5_of(path) == md5:
        return path
    _fetch(url, part, progress)
    found = md5_of(part)
    if found != md5:
        part.unlink()
        raise IntegrityError(
            f"A download must have the expected MD5 in {path}. Received: md5={found} "
            f"instead of {md5} from {url}. Try again; if it stays so, the file on the "
            "server has changed."
        )
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    return path


def md5_of(path):
    """The MD5 of a file's bytes, 32 lower-case hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(url, part, progress):
    """Appends to `part` until the server has no more bytes, over broken connections."""
    tries = 0
    while True:
        before = _size(part)
        try:
            if _append(url, part, progress):
                return
            reason = "the connection was closed early"
        except HTTPError as error:
            raise _offline(url, part, error) from error
        except (URLError, OSError) as error:
            reason = error
        tries = tries + 1 if _size(part) <= before else 0
        if tries >= MOST_TRIES:
            raise _offline(url, part, reason)


def _append(url, part, progress):
    """Fetches what is missing; returns whether that is the whole file now."""
    start = _size(part)
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(request, timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        # There is nothing beyond what we have: the MD5 tells whether it is right.
        if start and error.code == RANGE_NOT_SATISFIABLE:
            error.close()
            return True
        raise
    with response:
        if response.status != PARTIAL:
            start = 0  # the server sends it all again
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        with part.open("ab" if start else "wb") as file:
            done = start
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
    return total is None or done == total


def _size(path):
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _offline(url, part, reason):
    return OfflineError(
        f"The file must be reachable at {url}. Received: {reason}. Try again: "
        f"{_size(part)} bytes are kept in {part} and need not come again."
    )
