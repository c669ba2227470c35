"""Registrations that several models or steps ask for of one scan, found once."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from medzoo.spatial.register import register

# Some cases are prepared at once, each by some models; an entry is a few numbers.
KEPT = 64


@dataclass
class _Place:
    lock: Lock = field(default_factory=Lock)
    found: object = None


_LOCK = Lock()
_PLACES: OrderedDict[tuple, _Place] = OrderedDict()


def register_once(volume, atlas_name, contrast="t1"):
    """Registers as `register` does; who asks again for the same image waits for it.

    Args:
        volume: see `medzoo.spatial.register.register`.
        atlas_name: likewise.
        contrast: likewise.

    Returns:
        `Registration`.

    Raises:
        InputError: see `register`.
        GeometryError: likewise.
    """
    array = volume.array
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 2:
        # One model has channels beside it and gets it as float32, without a loss.
        array = array.astype(np.float32)
        volume = volume.with_array(array)
    array = np.ascontiguousarray(array)
    content = hashlib.blake2b(array).digest()
    where = (array.shape, array.dtype.str, volume.affine.tobytes())
    key = (content, *where, atlas_name, contrast)
    with _LOCK:
        place = _PLACES.setdefault(key, _Place())
        _PLACES.move_to_end(key)
        while len(_PLACES) > KEPT:
            _PLACES.popitem(last=False)
    with place.lock:
        if place.found is None:
            place.found = register(volume, atlas_name, contrast)
        return place.found
