"""Uploads: the body of a request becomes a file, bounded on its way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from medzoo.errors import FileFormatError, ResourceError
from medzoo.serve.limits import in_words
from medzoo.serve.scan_names import SUFFIXES, shown_name, suffix_of
from medzoo.serve.server import Server
from medzoo.serve.sessions import Scan, Session

# What is gathered before a thread writes it.
PIECE_BYTES = 4 << 20


async def receive_scan(
    server: Server,
    session: Session,
    name: str,
    length: int | None,
    stream: AsyncIterator[bytes],
    is_gone: Callable[[], Awaitable[bool]],
) -> Scan:
    """Stores and reads an upload; nothing is left of one that is refused.

    Args:
        server: `Server`.
        session: Whose it is.
        name: What its sender calls it.
        length: Its bytes as announced, or None.
        stream: Its bytes.
        is_gone: Tells whether the sender has left.

    Raises:
        MedzooError: It is too large, of another kind, or cannot be read.
        ClientDisconnect: The sender has left.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    suffix = suffix_of(name)
    if suffix is None:
        raise FileFormatError(
            f"A scan must be one file of these kinds: {', '.join(SUFFIXES)}. "
            f"Received: {shown_name(name)}. Convert it, or zip a DICOM folder."
        )
    limit = server.limits.upload_bytes
    if length is not None and length > limit:
        raise _too_large(limit, f"{in_words(length)}")
    key = session.reserve(limit if length is None else length)
    scan = None
    # The server's own name: nothing of the sender's becomes part of a path.
    path = session.folder / f"scan-{key}" / f"scan{suffix}"
    try:
        path.parent.mkdir()
        with open(path, "xb") as file:
            num_bytes = await _stored(stream, file, limit if length is None else length)
        facts = await run_in_threadpool(server.inspect, path)
        if await is_gone():
            # Who cancelled meanwhile believes the scan gone.
            raise ClientDisconnect
        scan = Scan(key, shown_name(name), path, num_bytes, facts)
        return scan
    finally:
        session.release(key, scan)
        if scan is None or session.closed:
            await run_in_threadpool(_remove, path)


async def _stored(stream: AsyncIterator[bytes], file: Any, limit: int) -> int:
    from starlette.concurrency import run_in_threadpool

    gathered, total = bytearray(), 0
    async for chunk in stream:
        total += len(chunk)
        if total > limit:
            raise _too_large(limit, "more")
        gathered += chunk
        if len(gathered) >= PIECE_BYTES:
            await run_in_threadpool(file.write, bytes(gathered))
            gathered.clear()
    await run_in_threadpool(file.write, bytes(gathered))
    return total


def _remove(path: Any) -> None:
    import shutil

    shutil.rmtree(path.parent, ignore_errors=True)


def _too_large(limit: int, received: str) -> ResourceError:
    return ResourceError(
        f"A scan takes at most {in_words(limit)}. Received: {received}. Crop or "
        "compress it, or use the command line."
    )
