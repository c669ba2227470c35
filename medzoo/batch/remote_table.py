"""A table of results in an object store, written locally and uploaded."""

from contextlib import contextmanager
from pathlib import Path

from medzoo.batch.table_output import TABLE_SUFFIXES
from medzoo.errors import InputError, MissingFileError
from medzoo.files import sha256_of, temporary_folder
from medzoo.io.remote import fetched, is_url, object_of, upload


@contextmanager
def local_table(output, cases=None):
    """Context with a local path for a table; it is uploaded to a URL at the end.

    Args:
        output: path, URL or None.
        cases: as of `medzoo.predict`, what is read.

    Yields:
        The given path; for a URL a local copy of the existing table, so that it is
        replaced as a file on disk would be.

    Raises:
        InputError: for the URL of what is read.
    """
    if not is_url(output) or Path(output).suffix.lower() not in TABLE_SUFFIXES:
        yield output
        return
    _check_input(output, cases)
    with temporary_folder() as folder:
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


def _check_input(output, cases):
    several = isinstance(cases, dict | list | tuple)
    given = cases if several else [cases]
    given = given.values() if isinstance(given, dict) else given
    if any(is_url(one) and object_of(one) == object_of(output) for one in given):
        raise InputError(
            "A result must not replace an input. "
            f"Received: output={output}, which is read. Choose another name."
        )
