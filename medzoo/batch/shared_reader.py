"""Scans that several models work on, read once."""

from collections import OrderedDict
from threading import Lock

from medzoo.io.image_files import read_quietly

# Cases in work at once, and their channels.
KEPT = 8


class SharedReader:
    """Reads as `read_quietly` does, and keeps what was read last.

    Volumes are never changed, so that models may share them.
    """

    def __init__(self):
        self._lock = Lock()
        self._kept = OrderedDict()

    def __call__(self, path, *, assume_affine=None, channel=None):
        """Returns the Volume of an image; see `medzoo.io.read`."""
        key = (str(path), channel)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read_quietly(
                    path, assume_affine=assume_affine, channel=channel
                )
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]
