"""Output paths of a case."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.files import sha256_of
from medzoo.io.remote import content_token, is_url
from medzoo.volume import Volume

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".npy")


@dataclass(frozen=True)
class Place:
    """The possible output files of a case.

    Args:
        image: path of the image.
        suffix: str, its suffix.
        endings: tuple of str, of the names of further images.
    """

    image: Path
    suffix: str
    endings: tuple = ()

    @property
    def provenance(self):
        """Path of the .json beside the image."""
        return self.named("", ".json")

    @property
    def files(self):
        """Tuple of all paths."""
        further = (self.named(ending) for ending in self.endings)
        return (self.image, self.provenance, *further)

    def named(self, ending, suffix=None):
        """Returns the path of a further file."""
        stem = self.image.name[: -len(self.suffix)]
        return self.image.with_name(stem + ending + (suffix or self.suffix))


def image_suffix(path):
    """Returns the image suffix that a path ends in, or None."""
    name = Path(path).name.lower()
    return next((s for s in IMAGE_SUFFIXES if name.endswith(s) and name != s), None)


def folders_of(cases):
    """Returns case_id -> folder of its first image below what all have in common."""
    parents = {
        case.case_id: Path(os.path.realpath(next(iter(case.images.values())))).parent
        for case in cases
        if case.images and not has_volumes(case)
    }
    if not parents:
        return {}
    here = Path.cwd().resolve()
    if all(parent.is_relative_to(here) for parent in parents.values()):
        base = here
    else:
        # One level above, so that sessions predicted one by one stay apart.
        base = Path(os.path.commonpath(parents.values())).parent
    return {case_id: p.relative_to(base) for case_id, p in parents.items()}


def hash_of_place(case):
    """Returns a hash of the paths of a case's images.

    Images in memory lie nowhere: what they hold counts, for another image is another
    input.
    """
    places = {
        name: _hash_of(image) if isinstance(image, Volume) else _place_of(image)
        for name, image in case.images.items()
    }
    text = "\n".join(f"{name}={place}" for name, place in sorted(places.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _place_of(image):
    return image if is_url(image) else os.path.realpath(image)


def has_volumes(case):
    """Whether a case has images in memory, without paths."""
    return any(isinstance(image, Volume) for image in case.images.values())


def hashes_of(images):
    """Returns channel -> SHA-256 of an image's file, or of a Volume's content.

    Of an object in a store, what the store says of its content.

    Raises:
        OSError: for a file that cannot be read.
    """
    return {name: _hash_of(image) for name, image in sorted(images.items())}


def _hash_of(image):
    if is_url(image):
        return content_token(image)
    if not isinstance(image, Volume):
        return sha256_of(image)
    array = np.ascontiguousarray(image.array)
    digest = hashlib.sha256(f"{array.shape} {array.dtype.str}".encode())
    digest.update(image.affine.tobytes())
    digest.update(array)
    return digest.hexdigest()
