"""Scans that several models work on, read once."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from medzoo.io.image_files import read_quietly
from medzoo.volume import Volume


@dataclass
class _Place:
    lock: Lock = field(default_factory=Lock)
    volume: Volume | None = None


class SharedReader:
    """Reads as `read_quietly` does, and keeps what was read last.

    Volumes are never changed, so that models may share them.

    Args:
        kept: int, images to keep: as many as are worked on at once.
    """

    def __init__(self, kept):
        self._limit = kept
        self._lock = Lock()
        self._kept = OrderedDict()

    def __call__(self, path, *, assume_affine=None, channel=None):
        """Returns the Volume of an image; see `medzoo.io.read`."""
        key = (str(path), channel)
        with self._lock:
            place = self._kept.setdefault(key, _Place())
            self._kept.move_to_end(key)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        # Others are read meanwhile; who wants the same image waits for it.
        with place.lock:
            if place.volume is None:
                place.volume = read_quietly(
                    path, assume_affine=assume_affine, channel=channel
                )
            return place.volume
