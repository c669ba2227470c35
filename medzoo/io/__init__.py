"""Files to Volumes and back; nothing is believed and nothing is half-written.

Imports `medzoo.volume`, `medzoo.files` and `medzoo.errors`; all above import it.
"""

from medzoo.io.image_files import read, write

__all__ = ["read", "write"]
