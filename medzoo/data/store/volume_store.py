"""VolumeStore: arrays of cases on disk, of which any process reads a part."""

import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from medzoo.files import cache_folder, naming

FACTS_FILE = "facts.json"
TEMPORARY_PREFIX = ".medzoo-"
# Older than any preparation takes: left by a process that was killed.
LEFTOVER_SECONDS = 6 * 3600.0


class VolumeStore:
    """Named groups of arrays, one folder a group, each array a memory-mapped file.

    A patch is read without reading the volume: the operating system brings in the
    pages that it touches, and keeps them for all processes alike. A group appears whole
    or not at all; whoever is killed while writing leaves nothing that others would
    read, and of two that write the same group one wins. No lock is taken, so that it
    works on any file system.

        <folder>/<name>/facts.json, <array>.npy, ...

    Args:
        folder: path or None, the folder `volumes` in medzoo's cache folder.
    """

    def __init__(self, folder=None):
        self.folder = cache_folder() / "volumes" if folder is None else Path(folder)

    def has(self, name):
        """Returns whether there is a group of this name."""
        return (self.folder / name / FACTS_FILE).is_file()

    def read(self, name):
        """Returns a group as dict of name -> read-only memory map, or None.

        What was damaged since counts as absent, and is put aside to be made again.
        """
        folder = self.folder / name
        try:
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            return {key: _mapped(folder / f"{key}.npy") for key in facts["arrays"]}
        except FileNotFoundError:
            if not folder.is_dir():
                return None
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._discard(folder)
        return None

    def write(self, name, arrays):
        """Writes a group; one that is there already stays.

        Args:
            name: str, of a folder.
            arrays: dict of str -> array.

        Raises:
            OSError: naming the folder, if the disk is full or it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        temporary.mkdir()
        try:
            self._fill(temporary, arrays)
            self._take_place(temporary, name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _fill(self, temporary, arrays):
        """Writes arrays, and their names last."""
        # A full disk names no file, and nobody knows the temporary one.
        with naming(self.folder):
            for key, array in arrays.items():
                with (temporary / f"{key}.npy").open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                    _flush(file)
            with (temporary / FACTS_FILE).open("w", encoding="utf-8") as file:
                json.dump({"arrays": list(arrays)}, file)
                _flush(file)

    def sweep(self):
        """Removes what killed processes left half-written hours ago."""
        oldest = time.time() - LEFTOVER_SECONDS
        for path in self.folder.glob(f"{TEMPORARY_PREFIX}*"):
            # Another process may sweep too.
            with suppress(OSError):
                if path.lstat().st_mtime < oldest:
                    shutil.rmtree(path, ignore_errors=True)

    def _take_place(self, temporary, name):
        """Renames a finished group, unless another process was sooner."""
        try:
            temporary.rename(self.folder / name)
        except OSError:
            if self.has(name):
                return
            self._discard(self.folder / name)
            temporary.rename(self.folder / name)

    def _discard(self, folder):
        aside = self.folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        # Another process may have been sooner.
        with suppress(OSError):
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)


def _mapped(path):
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _flush(file):
    file.flush()
    os.fsync(file.fileno())
