"""A table of results in an object store, written locally and uploaded."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from medzoo.batch.table_output import TABLE_SUFFIXES
from medzoo.errors import MissingFileError
from medzoo.files import sha256_of
from medzoo.io.remote import fetched, is_url, upload


@contextmanager
def local_table(output):
    """Context with a local path for a table; it is uploaded to a URL at the end.

    Args:
        output: path, URL or None.

    Yields:
        The given path; for a URL a local copy of the existing table, so that it is
        replaced as a file on disk would be.
    """
    if not is_url(output) or Path(output).suffix.lower() not in TABLE_SUFFIXES:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="medzoo-table-") as folder:
        path = Path(folder, output.rpartition("/")[2])
        try:
            with fetched(output) as there:
                path.write_bytes(there.read_bytes())
        except MissingFileError:
            before = None
        else:
            before = sha256_of(path)
        yield path
        if path.exists() and sha256_of(path) != before:
            upload(path, output)
