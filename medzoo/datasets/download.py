"""Fetching one large public file over HTTP: resumed, checked, never half there."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from medzoo.errors import InputError, IntegrityError, OfflineError
from medzoo.transport import FaultError, chunks, open_address

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
# The largest archive of a data set has 5 GB.
MOST_BYTES = 12_000_000_000
# Breaks in a row, without a byte between them, after which to give up.
MOST_TRIES = 4
PARTIAL, RANGE_NOT_SATISFIABLE = 206, 416


def download(url, path, *, md5, progress=None, most=MOST_BYTES):
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
        most: int, largest size in bytes.

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
    _fetch(url, part, progress, most)
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


def _fetch(url, part, progress, most):
    """Appends to `part` until the server has no more bytes, over broken connections."""
    tries = 0
    while True:
        before = _size(part)
        try:
            if _append(url, part, progress, most):
                return
            reason = "the connection was closed early"
        except FaultError as fault:
            if fault.status is not None:
                raise _offline(url, part, fault) from None
            reason = fault
        tries = tries + 1 if _size(part) <= before else 0
        if tries >= MOST_TRIES:
            raise _offline(url, part, reason)


def _append(url, part, progress, most):
    """Fetches what is missing; returns whether that is the whole file now."""
    start = _size(part)
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        response = open_address(url, headers, timeout=TIMEOUT_SECONDS)
    except FaultError as fault:
        # There is nothing beyond what we have: the MD5 tells whether it is right.
        if start and fault.status == RANGE_NOT_SATISFIABLE:
            return True
        raise
    with response:
        if response.status != PARTIAL:
            start = 0  # the server sends it all again
        length = response.headers.get("Content-Length") or ""
        total = start + int(length) if length.isdecimal() else None
        _check_size(total or 0, most, url)
        with part.open("ab" if start else "wb") as file:
            done = start
            for chunk in chunks(response, most):
                file.write(chunk)
                done += len(chunk)
                _check_size(done, most, url)
                if progress is not None:
                    progress(done, total)
    return total is None or done == total


def _check_size(size, most, url):
    if size > most:
        raise IntegrityError(
            f"A download must have at most {most} bytes. Received: {size} or more from "
            f"{url}. Check the address."
        )


def _size(path):
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _offline(url, part, reason):
    return OfflineError(
        f"The file must be reachable at {url}. Received: {reason}. Try again: "
        f"{_size(part)} bytes are kept in {part} and need not come again."
    )
