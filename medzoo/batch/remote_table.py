"""A table of results in an object store, made beside it and uploaded."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from medzoo.batch.table_output import TABLE_SUFFIXES
from medzoo.errors import MissingFileError
from medzoo.files import sha256_of
from medzoo.io.remote import fetched, is_url, upload


@contextmanager
def local_table(output):
    """Gives the path to write a table to; a URL gets it in the end.

    Args:
        output: path, URL or None.

    Yields:
        What was given; of a table's URL a path with what lies there, so that it is
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
