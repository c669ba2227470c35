"""Rows as a Parquet file."""

from medzoo.files import replace_atomically


def write_parquet(path, rows, columns, is_text, *, metadata=None):
    """Writes rows as Parquet, atomically: text as text, all else as float64.

    Args:
        path: path.
        rows: list of dict of column -> value; what is absent is null.
        columns: list of str.
        is_text: callable that says of a column whether it holds text.
        metadata: dict of bytes -> bytes, of the schema, or None.
    """
    import pyarrow
    from pyarrow import parquet

    arrays = {}
    for column in columns:
        values = [row.get(column) for row in rows]
        if is_text(column):
            values = [None if v is None else str(v) for v in values]
            arrays[column] = pyarrow.array(values, pyarrow.string())
        else:
            numbers = [None if v is None else _number(v) for v in values]
            arrays[column] = pyarrow.array(numbers, pyarrow.float64())
    table = pyarrow.table(arrays).replace_schema_metadata(metadata)
    with replace_atomically(path) as temporary:
        parquet.write_table(table, temporary)


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
