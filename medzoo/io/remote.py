"""Files in object stores: s3://, gs://, az:// and memory:// by fsspec (extra remote).

Whoever reads gets a local file for a while; what is written appears as a whole.
"""

import os
import re
import shutil
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from medzoo.errors import (
    InputError,
    MedzooError,
    MissingFileError,
    OfflineError,
    ResourceError,
)
from medzoo.files import temporary_folder
from medzoo.io.refusal import refusal, shown

SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "memory")
URL = re.compile(r"([a-z0-9]+)://", re.IGNORECASE)
# Two names of one kind of store.
SAME_STORE = {"s3a": "s3", "gcs": "gs", "abfs": "az"}
CHUNK_BYTES = 1 << 22
LARGEST_BYTES = 8 << 30
# Seconds until a server counts as gone, and how often it is asked.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 3
# What a store calls a hash of the content, the best first.
HASHES = ("ETag", "etag", "md5Hash", "content_md5", "crc32c")
TIMES = ("LastModified", "last_modified", "mtime", "created")


def is_url(path):
    """Whether a path is in an object store, s3://BUCKET/KEY for example."""
    found = URL.match(path) if isinstance(path, str) else None
    return found is not None and found[1].lower() in SCHEMES


def local_or_url(path):
    """Returns a URL as str, all else as Path; file:// is a path."""
    if is_url(path):
        return path
    if isinstance(path, str) and path.lower().startswith("file://"):
        return Path(unquote(urlsplit(path).path))
    return Path(path)


def joined(folder, name):
    """Returns a name in a folder, which is a path or a URL.

    A name that is a URL, or an absolute path, stands for itself.
    """
    place = local_or_url(name)
    if is_url(place) or not is_url(folder) or place.is_absolute():
        return place if is_url(place) else Path(folder) / place
    return f"{folder.rstrip('/')}/{name}"


def folder_of(path):
    """Returns the folder of a path or URL, as one."""
    return path.rpartition("/")[0] if is_url(path) else Path(path).parent


def object_of(url):
    """Returns a str that all spellings of one object's URL have in common."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    parts = [part for part in rest.split("/") if part]
    return f"{SAME_STORE.get(scheme, scheme)}://{'/'.join(parts)}"


def objects_of(places):
    """Returns `object_of` of all places that are URLs, a set."""
    return {object_of(place) for place in places if is_url(place)}


@contextmanager
def fetched(url, largest=LARGEST_BYTES):
    """Gives a temporary local copy of an object, of the same name.

    Args:
        url: str.
        largest: int, bytes at most; what does not fit on the disk is refused too.

    Yields:
        Path, gone after the block.

    Raises:
        MissingFileError: if there is none.
        ResourceError: if it is too large.
        InputError: without permission.
        OfflineError: if the store cannot be reached, or the connection is lost.
    """
    with temporary_folder() as folder:
        local = Path(folder, url.rstrip("/").rpartition("/")[2] or "object")
        with _told(url):
            system, path = _system(url)
            size = int(system.info(path)["size"])
            _check_size(url, size, largest, folder)
            with (
                system.open(path, "rb", block_size=CHUNK_BYTES) as source,
                local.open("wb") as target,
            ):
                shutil.copyfileobj(source, target, CHUNK_BYTES)
        if local.stat().st_size != size:
            raise _lost(url, f"{local.stat().st_size} of {size} bytes")
        try:
            yield local
        except MedzooError as error:
            # Of the copy nobody knows.
            raise type(error)(str(error).replace(str(local), url)) from error


def content_token(url):
    """Returns a str that changes with an object's content, without reading it.

    Raises:
        MedzooError: as `fetched`.
    """
    with _told(url):
        system, path = _system(url)
        return token_of(system.info(path))


def token_of(info):
    """Returns the token of what a store says of an object."""
    kind = next((k for k in (*HASHES, *TIMES) if info.get(k)), None)
    value = info.get(kind)
    # Some stores tell one time as a number in a list, and as a date of the object.
    value = value.timestamp() if isinstance(value, datetime) else value
    told = str(value).strip('"')
    return f"{str(kind).lower()}:{told}:{info['size']}"


def listed(url, *, beside=False):
    """Returns name -> token of all objects below a prefix.

    Args:
        url: str, the prefix.
        beside: bool, of its folder those alone whose names begin as its own does.
    """
    with _told(url):
        system, root = _system(url.rstrip("/"))
        options = {}
        if beside:
            root, _, options["prefix"] = root.rpartition("/")
        try:
            found = system.find(root, detail=True, **options)
        except FileNotFoundError:
            return {}
        start = len(root.strip("/")) + 1
        return {path.strip("/")[start:]: token_of(i) for path, i in found.items()}


def upload(local, url):
    """Puts a file into a store; others see all of it or nothing.

    Returns:
        str, the token of the object.

    Raises:
        MedzooError: as `fetched`.
    """
    with _told(url):
        system, path = _system(url)
        if system.protocol == "memory" or "memory" in system.protocol:
            system.makedirs(system._parent(path), exist_ok=True)
        system.put_file(os.fspath(local), path)
        info = system.info(path)
    if int(info["size"]) != os.path.getsize(local):
        raise _lost(url, f"{info['size']} of {os.path.getsize(local)} bytes")
    return token_of(info)


def _system(url):
    scheme = URL.match(url)[1].lower()
    options = {"use_listings_cache": False}
    if scheme in ("s3", "s3a"):
        options["config_kwargs"] = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retries": {"max_attempts": ATTEMPTS},
        }
    try:
        import fsspec

        return fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise InputError(
            "Object stores are read by fsspec and what it takes for each, in "
            f"{shown(url)}. Received: {error}. Install medzoo[remote]."
        ) from error


@contextmanager
def _told(url):
    """Turns whatever a store's library raises into one sentence."""
    try:
        yield
    except MedzooError:
        raise
    except FileNotFoundError as error:
        raise refusal(
            MissingFileError,
            "An object must exist in its store",
            url,
            "no such object",
            "Check the address.",
        ) from error
    except Exception as error:
        name = type(error).__name__
        if isinstance(error, PermissionError) or "Credential" in name:
            raise refusal(
                InputError,
                "A store must let its user in",
                url,
                f"{name}: {_line(error)}",
                "Set credentials as the store's own tools take them "
                "(AWS_PROFILE or AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS).",
            ) from error
        raise _lost(url, f"{name}: {_line(error)}") from error


def _lost(url, received):
    return refusal(
        OfflineError,
        "A store must be reached, and keep the connection,",
        url,
        received,
        "Check network and endpoint (AWS_ENDPOINT_URL), and run the command again: "
        "what is done is not done again.",
    )


def _line(error):
    text = " ".join(str(error).split())
    return text[:300] or repr(error)[:300]


def _check_size(url, size, largest, folder):
    room = largest
    with suppress(OSError):
        room = min(largest, shutil.disk_usage(folder).free // 2)
    if size > room:
        raise refusal(
            ResourceError,
            "An object must fit the temporary folder and the limit of its kind",
            url,
            f"bytes={size}, at most {room}",
            "Set TMPDIR to a larger disk.",
        )
