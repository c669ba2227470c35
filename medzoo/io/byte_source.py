"""Bytes of a file that may be gzip, where any damage is a FileFormatError."""

import os
import zlib
from contextlib import contextmanager

from isal import igzip

from medzoo.errors import FileFormatError, MedzooError
from medzoo.io.refusal import refusal

GZIP_SIGNATURE = b"\x1f\x8b"
# Deflate cannot expand more than this (zlib's documentation: 1032 : 1).
MOST_EXPANSION = 1032
# Bytes after the last promised one that are still read to reach the checksum. More
# is not this format, or a bomb.
MOST_TRAILING = 1 << 20
# Zero bytes after the end that gzip allows and that are still skipped.
MOST_PADDING = 1 << 16
COPY_ADVICE = "Copy or convert the file again from its source."


class ByteSource:
    """A file's content, unpacked on the way if its signature says gzip.

    Args:
        path: the file.
        file: its raw stream, at the start.

    Attributes:
        stream: what to read from, a binary file object.
        raw: the file's own bytes, packed or not.
        path: the file.
    """

    def __init__(self, path, file):
        self.path = path
        self.raw = file
        self._size = os.fstat(file.fileno()).st_size
        self._is_gzip = file.read(2) == GZIP_SIGNATURE
        if self._is_gzip:
            self._check_tail()
        file.seek(0)
        self.stream = igzip.IGzipFile(fileobj=file) if self._is_gzip else file

    def _check_tail(self):
        """Refuses a gzip file that ends in zeros, as an interrupted copy may.

        Python's gzip would skip them one by one, for minutes.
        """
        self.raw.seek(max(0, self._size - MOST_PADDING))
        tail = self.raw.read(MOST_PADDING)
        if len(tail) == MOST_PADDING and not any(tail):
            raise refusal(
                FileFormatError,
                "A compressed file must end with its checksum, not with zeros",
                self.path,
                f"zeros>={MOST_PADDING}",
                f"The file is truncated or damaged. {COPY_ADVICE}",
            )

    def check_holds(self, num_bytes):
        """Raises FileFormatError if the file cannot hold so many bytes of content."""
        most = self._size * (MOST_EXPANSION if self._is_gzip else 1)
        if most < num_bytes:
            raise refusal(
                FileFormatError,
                f"All {num_bytes} bytes that the header promises must be there",
                self.path,
                f"bytes={self._size}" + (" (compressed)" if self._is_gzip else ""),
                f"The file is truncated or damaged. {COPY_ADVICE}",
            )

    def finish(self):
        """Reads a gzip file to its end, where its checksum stands.

        Raises:
            FileFormatError: if much more content follows. The checksum's own error is
                converted by `open_bytes`.
        """
        if not self._is_gzip:
            return
        if len(self.stream.read(MOST_TRAILING + 1)) > MOST_TRAILING:
            raise refusal(
                FileFormatError,
                "A compressed file must end after the bytes that its header promises",
                self.path,
                f"trailing bytes>{MOST_TRAILING}",
                COPY_ADVICE,
            )


@contextmanager
def open_bytes(path):
    """Opens a file as a ByteSource; what goes wrong while reading is the file's fault.

    Args:
        path: an existing file, gzip or not.

    Yields:
        ByteSource.

    Raises:
        FileFormatError: if it cannot be read, ends too early, or fails its checksum.
    """
    try:
        with open(path, "rb") as file:
            yield ByteSource(path, file)
    except (OSError, EOFError, zlib.error, igzip.isal_zlib.error) as error:
        if isinstance(error, MedzooError):
            raise
        raise refusal(
            FileFormatError,
            "A file must be readable and whole to its last byte",
            path,
            f"error={type(error).__name__}",
            f"The file is truncated, damaged or protected. {COPY_ADVICE}",
        ) from error
