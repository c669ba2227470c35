"""Messages without the names of files and folders."""

from pathlib import Path

import pytest

from medzoo.io.dicom.read import read_dicom
from medzoo.reporting.privacy import without_paths
from tests.io.dicom.conftest import Maker


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of a person, as it is named from the working folder."""
    monkeypatch.chdir(tmp_path)
    place = Path("raw", "Doe John")
    place.mkdir(parents=True)
    return place


def test_a_folder_that_a_series_is_taken_from_is_not_named(place):
    maker = Maker(place)
    maker.series("a", number=1)
    maker.series("b", number=2)
    image = f"{place}#2"
    _, _, (note,) = read_dicom(image)
    assert note.startswith("Series 2: it was taken from 2 series")
    for named in (place, place.absolute(), image, f"{place.absolute()}#2"):
        told = without_paths(
            f"A file must be whole in {named}. Received", {"t1": image}
        )
        assert told == "A file must be whole in [t1]. Received"


def test_an_archive_that_a_series_is_taken_from_is_not_named(place):
    archive = place / "doe.zip"
    archive.touch()
    images = {"t1": f"{archive}#3"}
    for named in ("doe.zip", "doe.zip#3", archive.absolute(), archive):
        assert without_paths(f"Odd: {named}.", images) == "Odd: [t1]."
