"""Files to Volumes and back, with validation on reading and atomic writing.

Imports `medzoo.volume`, `medzoo.files` and `medzoo.errors`; all above import it.
"""

from medzoo.io.image_files import read, write

__all__ = ["read", "write"]
