"""Files that are never half-written, their hashes, and where medzoo keeps its own."""

import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
import zlib
from contextlib import contextmanager, suppress
from errno import EIO, EISDIR
from pathlib import Path

from medzoo.errors import MedzooError

CHUNK_BYTES = 1 << 20
# Names of temporary files hold machine and process.
TEMPORARY = re.compile(
    r"\.medzoo-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{12}.*"
)
COPIES = re.compile(r"medzoo-remote-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-\w+")
# Whether a process of another machine still runs cannot be checked.
LONGEST_LIFE_S = 86_400
# Voxels in a file of their own: of the same name, or named in a header.
PAIRED, DETACHED = (".hdr", ".img", ".hdr.gz", ".img.gz"), (".mhd", ".nhdr")
DATA_FILE = re.compile(
    rb"^\s*(?:ElementDataFile\s*=|data ?file\s*:)\s*(.+?)\s*$", re.I | re.M
)
MOST_OF_HEADER = 1 << 16
_swept = set()


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
        OSError: if writing fails (disk full, read-only), naming `path`.
    """
    target = Path(os.path.realpath(path))
    sweep(target.parent)
    temporary = temporary_beside(target)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        # A full disk names no file, and nobody knows the temporary one.
        own = error.filename in (None, os.fspath(temporary))
        if isinstance(error, MedzooError) or not own:
            raise
        raise _named(error, path) from error
    finally:
        # On a disk that failed even this may.
        with suppress(OSError):
            temporary.unlink()
    _sync_folder(target.parent)


@contextmanager
def naming(path):
    """Puts a file's name into errors of the system that have none, as of a full disk.

    Args:
        path: the file that the block writes.

    Raises:
        OSError: as the block does, naming `path`.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, MedzooError) or error.filename is not None:
            raise
        raise _named(error, path) from error


def _named(error, path):
    """An error of the system with the file's name."""
    # NumPy's, for a disk that became full, is a text alone.
    number, text = error.errno or EIO, error.strerror or f"not written whole ({error})"
    return OSError(number, text, os.fspath(path))


def temporary_beside(path):
    """Returns the path of a temporary file in a file's folder, with its suffixes."""
    path = Path(path)
    suffixes = "".join(path.suffixes[-2:])
    own = f"{_host()}-{os.getpid()}-{secrets.token_hex(6)}"
    return path.with_name(f".medzoo-{own}{suffixes}")


def sweep(folder):
    """Removes temporary files of processes that ended; once a folder and process."""
    key = os.path.realpath(folder)
    if key in _swept:
        return
    _swept.add(key)
    with suppress(OSError):
        for path in Path(key).glob(".medzoo-*"):
            if _is_left_over(path):
                with suppress(OSError):
                    path.unlink()


@contextmanager
def temporary_folder():
    """Gives a folder for copies of what lies in an object store, gone after the block.

    That of a process that was killed is removed by the next one on the machine, for
    scans of people must not stay there.

    Yields:
        pathlib.Path.
    """
    _sweep_copies(tempfile.gettempdir())
    prefix = f"medzoo-remote-{_host()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def _sweep_copies(folder):
    if (key := f"{folder}/medzoo-remote") in _swept:
        return
    _swept.add(key)
    for path in Path(folder).glob("medzoo-remote-*"):
        name = COPIES.fullmatch(path.name)
        if name is None or name["host"] != _host() or _lives(name["process"]):
            continue
        with suppress(OSError):
            if path.lstat().st_uid == os.getuid() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def check_writable(path):
    """Makes sure that a file can be written in a folder, or where it will be made.

    Args:
        path: of a file to be written; its folder need not exist.

    Raises:
        OSError: naming `path`, if its folder, or the first that exists above it, takes
            no file; if the name is too long, or that of a folder.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), os.fspath(path))
    folder = Path(os.path.realpath(path)).parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    probe = temporary_beside(folder / "probe")
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _host():
    name = os.uname().nodename
    # Containers of one machine may share its name, and none of its process numbers.
    with suppress(OSError):
        name += os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(name.encode()):08x}"


def _is_left_over(path):
    name = TEMPORARY.fullmatch(path.name)
    if name is None or not path.is_file():
        return False
    if name["host"] != _host():
        return time.time() - path.stat().st_mtime > LONGEST_LIFE_S
    return not _lives(name["process"])


def _lives(process):
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


def write_text_atomically(path, text):
    """Writes `text` as UTF-8 with line feeds, replacing `path` at once.

    Args:
        path: where to; its folder must exist.
        text: str.

    Returns:
        pathlib.Path, `path`.
    """
    with replace_atomically(path) as temporary:
        # A file name need not be text: what is not is shown escaped.
        data = text.encode("utf-8", "backslashreplace")
        temporary.write_bytes(data)
    return Path(path)


def sha256_of(path):
    """The SHA-256 of a file's bytes, 64 lower-case hexadecimal digits.

    Of a folder, or of "PLACE#PART" where PLACE is there, it is that of all names and
    contents, and of the part; of a DICOMDIR, which names files beside and below it,
    that of its folder. A header whose voxels are in a file beside it counts with that
    file.
    """
    place, part = _whole_place(path)
    if os.path.isdir(place) or part is not None:
        digest = hashlib.sha256((part or "").encode())
        for name, file in _files_in(place):
            own = _sha256_of_bytes(file)
            digest.update(f"{name}\0{own}".encode(errors="surrogateescape"))
        return digest.hexdigest()
    return _sha256_of_bytes(*files_of(path))


def _sha256_of_bytes(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def files_of(path):
    """Returns the paths of all files that `sha256_of` reads."""
    place, part = _whole_place(path)
    if os.path.isdir(place) or part is not None:
        return [file for _, file in _files_in(place)]
    return [Path(path), *_voxels_beside(Path(path))]


def _whole_place(path):
    """The place and the part of `split_part`; for a DICOMDIR its folder."""
    place, part = split_part(path)
    if Path(place).name.lower().startswith("dicomdir") and os.path.isfile(place):
        place = os.path.dirname(os.path.abspath(place))
    return place, part


def split_part(path):
    """Splits "PLACE#PART", such as a folder and a series of it.

    Args:
        path: str or path.

    Returns:
        str and str; the path and None where it is there itself, or no such place is.
    """
    text = os.fspath(path)
    before, separator, part = text.partition("#")
    if not separator or os.path.exists(text):
        return text, None
    while separator and not os.path.exists(before):
        more, separator, part = part.partition("#")
        before = f"{before}#{more}"
    return (before, part) if separator and part else (text, None)


def _voxels_beside(path):
    """Paths of files with the voxels of a header, or with the header of voxels."""
    name = path.name
    for suffix in PAIRED:
        if name.lower().endswith(suffix):
            stem = name[: -len(suffix)]
            others = {stem + other for one in PAIRED for other in _spellings(one)}
            found = (path.with_name(other) for other in sorted(others - {name}))
            return [one for one in found if one.is_file()]
    if path.suffix.lower() not in DETACHED:
        return []
    with open(path, "rb") as file:
        found = DATA_FILE.search(file.read(MOST_OF_HEADER))
    if found is None:
        return []
    beside = path.parent / os.fsdecode(found[1])
    return [beside] if beside.is_file() else []


def _spellings(suffix):
    """A suffix as readers look for it: small, and the format or all in capitals."""
    packed = suffix.removesuffix(".gz").upper() + suffix[4:]
    return {suffix, packed, suffix.upper()}


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
        return _expanded(own, "MEDZOO_CACHE")
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return _expanded(shared, "XDG_CACHE_HOME") / "medzoo"
    return _expanded("~", "HOME") / ".cache" / "medzoo"


def _expanded(text, variable):
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(
            f"The cache folder must have a home that exists, in {variable}. "
            f"Received: {variable}={text!r}. Set MEDZOO_CACHE to a folder."
        ) from error


def _sync_folder(folder):
    """Makes the rename itself survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
