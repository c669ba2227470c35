"""Files to Volumes and back; nothing is believed and nothing is half-written."""

from medzoo.io.image_files import read, write

__all__ = ["read", "write"]
