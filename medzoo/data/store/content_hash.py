"""Content hashes of files: unchanged by a move, changed by an edit."""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path

from medzoo._version import __version__
from medzoo.files import cache_folder, files_of, sha256_of, write_text_atomically

# A file changed later than this before it was hashed may change again within the
# same tick of its clock, unseen: its hash is not kept.
SETTLED_SECONDS = 2.0


class ContentHashes:
    """SHA-256 of files; read once as long as size and time of change stay.

    Args:
        folder: path or None, where hashes are kept between runs, made when the first
            is; None for the folder `hashes` in medzoo's cache folder.
    """

    def __init__(self, folder=None):
        self.folder = cache_folder() / "hashes" if folder is None else Path(folder)
        self._known = {}

    def __call__(self, path):
        """Returns the hash of a file's bytes, 64 hexadecimal digits.

        Raises:
            OSError: if it cannot be read.
        """
        path = Path(path).resolve()
        # Of a folder, or of a header with voxels beside it, several.
        found = [(str(file), file.stat()) for file in map(Path, files_of(path))]
        stamp = [[name, one.st_size, one.st_mtime_ns] for name, one in found]
        known = self._known.get(path) or self._read(path)
        if known is None or known["stamp"] != stamp:
            known = {"stamp": stamp, "sha256": sha256_of(path)}
            newest = max((one.st_mtime_ns for _, one in found), default=0)
            if time.time_ns() - newest > SETTLED_SECONDS * 1e9:
                self._write(path, known)
        self._known[path] = known
        return known["sha256"]

    def _file(self, path):
        name = hashlib.sha256(str(path).encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"

    def _read(self, path):
        try:
            known = json.loads(self._file(path).read_text(encoding="utf-8"))
            return {"stamp": known["stamp"], "sha256": known["sha256"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, path, known):
        # A folder that cannot be written costs time alone.
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text_atomically(self._file(path), json.dumps(known))


def hashes_beside(folder):
    """Returns `ContentHashes` kept in a store's folder, or in the cache for None."""
    return ContentHashes(None if folder is None else Path(folder) / "hashes")


def name_by_content(case_id, paths, facts, hashes):
    """Returns what a prepared case is called in a `VolumeStore`.

    A change of a file's content, of the facts or of medzoo gives another name.

    Args:
        case_id: str.
        paths: list of path, the files it is made of.
        facts: plain JSON, what else decides what is made of them.
        hashes: `ContentHashes`.
    """
    contents = [hashes(path) for path in paths]
    text = json.dumps([contents, facts, __version__], sort_keys=True)
    return f"{case_id}.{hashlib.sha256(text.encode()).hexdigest()[:24]}"
