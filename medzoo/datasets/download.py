"""Fetching one large public file over HTTP: resumed, checked, never half there."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from medzoo.errors import InputError, IntegrityError, OfflineError
from medzoo.transfer import Expected, transfer

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
# The largest archive of a data set has 5 GB.
MOST_BYTES = 12_000_000_000


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
    while True:
        before = _size(part)
        try:
            transfer(
                url,
                part,
                Expected(most),
                progress=progress,
                resume=True,
                timeout=TIMEOUT_SECONDS,
            )
            return
        except OfflineError as fault:
            size = _size(part)
            if size <= before:
                kept = f" {size} bytes are kept in {part} for resuming."
                raise OfflineError(f"{fault}{kept if size else ''}") from None


def _size(path):
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
