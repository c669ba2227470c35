"""Parts of a status in an object store, whose connection comes and goes."""

import pytest

from medzoo.batch import status_parts
from medzoo.batch.status_parts import PartLog, all_lines
from medzoo.errors import OfflineError

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")


def test_lines_wait_until_the_store_is_back(monkeypatch):
    place, upload = "memory://parts/out", status_parts.upload
    monkeypatch.setattr(status_parts, "PART_SECONDS", -1.0)
    log = PartLog(place, "1of1-h-1-aa", {"recipe": {"name": "age"}})

    def lost(*arguments):
        raise OfflineError("A store must be reached.")

    monkeypatch.setattr(status_parts, "upload", lost)
    log.add({"case_id": "a", "time": 1.0})
    with pytest.raises(OfflineError):
        log.close()
    monkeypatch.setattr(status_parts, "upload", upload)
    log.add({"case_id": "b", "time": 2.0})
    log.close()
    assert [line.get("case_id") for line in all_lines(place)] == [None, "a", "b"]
    fsspec.filesystem("memory").rm("/parts", recursive=True)
