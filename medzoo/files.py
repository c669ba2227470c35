"""Files that are never half-written, their hashes, and where medzoo keeps its own."""

import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 1 << 20


@contextmanager
def replace_atomically(path):
    """Gives a temporary path; on success it takes the place of `path` at once.

    The temporary file lies in the same folder (a rename does not cross file systems)
    and has the same suffixes (writers choose the format by them). Whatever happens,
    `path` holds either the old content or the whole new one.

    Args:
        path: where the content shall be in the end. A symbolic link is followed.

    Yields:
        pathlib.Path of a file that does not exist yet and that the block must write.

    Raises:
        FileNotFoundError: if the block wrote nothing, or the folder does not exist.
    """
    target = Path(os.path.realpath(path))
    suffixes = "".join(target.suffixes[-2:])
    temporary = target.with_name(f".medzoo-{secrets.token_hex(8)}{suffixes}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    _sync_folder(target.parent)


def write_text_atomically(path, text):
    """Writes `text` as UTF-8 with line feeds, replacing `path` at once.

    Args:
        path: where to; its folder must exist.
        text: str.

    Returns:
        pathlib.Path, `path`.
    """
    with replace_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def sha256_of(path):
    """The SHA-256 of a file's bytes, 64 lower-case hexadecimal digits.

    Of a folder, or of "PLACE#PART" where PLACE is there, it is that of all names and
    contents, and of the part.
    """
    digest = hashlib.sha256()
    place, _, part = os.fspath(path).partition("#")
    if os.path.isdir(path) or (part and not os.path.exists(path)):
        digest.update(part.encode())
        for name, file in _files_in(path if os.path.isdir(path) else place):
            digest.update(f"{name}\0{sha256_of(file)}".encode(errors="surrogateescape"))
        return digest.hexdigest()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _files_in(place):
    """Names and paths of a folder's files, in order; of a file it alone."""
    if not os.path.isdir(place):
        return [("", place)]
    found = (path for path in Path(place).rglob("*") if path.is_file())
    return sorted((path.relative_to(place).as_posix(), path) for path in found)


def cache_folder():
    """Where medzoo keeps what it fetched; not created here.

    Returns:
        pathlib.Path: `$MEDZOO_CACHE`, else `$XDG_CACHE_HOME/medzoo`, else
        `~/.cache/medzoo`. An empty variable counts as unset.
    """
    if own := os.environ.get("MEDZOO_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "medzoo"
    return Path.home() / ".cache" / "medzoo"


def _sync_folder(folder):
    """Makes the rename itself survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
