"""A file with a limit on bytes and reads, for parsers without one."""

from medzoo.errors import FileFormatError

# Headers of enhanced images take a few MB, of the largest some ten.
MOST_BYTES = 48 << 20
# Every element of a header takes about two; an enhanced image of 1000 slices 200 000.
MOST_READS = 600_000


class TooMuchError(FileFormatError):
    """A header asks for more than any header needs."""


class BoundedReader:
    """Counts bytes and reads, and raises above the limits.

    Args:
        file: seekable binary file.
        size: int, its bytes; a read or a seek beyond them is an EOFError.
        most_bytes: int, what may be read in all.
        most_reads: int, how often.
    """

    def __init__(self, file, size, *, most_bytes=MOST_BYTES, most_reads=MOST_READS):
        self._file = file
        self._size = size
        self._bytes_left = most_bytes
        self._reads_left = most_reads

    def read(self, count=-1):
        """Reads, as files do."""
        self._reads_left -= 1
        wanted = self._size if count is None or count < 0 else min(count, self._size)
        data = self._file.read(min(wanted, self._bytes_left + 1))
        self._bytes_left -= len(data)
        if self._reads_left < 0 or self._bytes_left < 0:
            raise TooMuchError(
                "A DICOM header must be of a usual size. Received: one with more than "
                f"{MOST_BYTES} bytes or {MOST_READS} elements. Convert the image."
            )
        return data

    def seek(self, offset, whence=0):
        """Seeks, but not beyond the end."""
        place = offset + (0, self.tell() if whence == 1 else 0, self._size)[whence]
        if place > self._size:
            raise EOFError
        return self._file.seek(max(place, 0))

    def tell(self):
        """Returns the current position."""
        return self._file.tell()

    def close(self):
        """Closes the file."""
        self._file.close()
