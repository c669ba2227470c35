import pytest

import medzoo
from medzoo.errors import InputError, MedzooWarning
from medzoo.io.dicom import list_series, split_series


@pytest.fixture
def study(maker):
    """A clinical folder: what is meant is one T1 and one FLAIR."""
    few = {"shape": (9, 6, 7)}
    maker.series("a", number=1, description="3-plane LOC", **few)
    maker.series("b", number=2, description="Sag T1 MPRAGE", seed=2, **few)
    maker.series("c", number=3, description="Ax T2 FLAIR", seed=3, **few)
    maker.series("d", number=4, description="DWI b1000", **few)
    maker.series("e", number=5, description="Ax T2 TSE", **few)
    derived = ["DERIVED", "SECONDARY", "PROJECTION IMAGE", "M"]
    maker.series("f", number=6, description="T1 tra", ImageType=derived, **few)
    maker.series("g", number=7, description="T1 mpr", heights=[0.0] * 9, **few)
    return maker.folder


def test_the_list_tells_series_apart(study):
    rows, damaged = list_series(study)

    assert [(row.series, row.channel, row.kind) for row in rows] == [
        ("1", None, "localiser"),
        ("2", "t1", ""),
        ("3", "flair", ""),
        ("4", None, "diffusion"),
        ("5", "t2", ""),
        ("6", "t1", "projection"),
        ("7", "t1", ""),
    ]
    assert damaged == 0
    assert rows[1].matrix == (7, 6, 9)
    assert rows[1].spacing == (2.0, 1.5, 3.0)


@pytest.mark.parametrize(("channel", "series"), [("t1", "2"), ("flair", "3")])
def test_the_one_that_fits_a_channel_is_taken_and_said(study, channel, series):
    with pytest.warns(MedzooWarning, match=f"Series {series}: .* from 7 series"):
        found = medzoo.read(study, channel=channel)
    with pytest.warns(MedzooWarning, match="from 7 series"):
        named = medzoo.read(f"{study}#{series}")

    assert (found.array == named.array).all()


@pytest.mark.parametrize(
    ("channel", "told"), [(None, "chosen"), ("pd", "asked for"), ("ct", "asked for")]
)
def test_several_or_none_are_not_guessed(study, channel, told):
    with pytest.raises(InputError, match=told):
        medzoo.read(study, channel=channel)


def test_two_t1_are_not_guessed(study, maker):
    maker.series("h", number=8, description="T1 post", shape=(9, 6, 7))

    with pytest.raises(InputError, match=r"channel=t1, series 2 \(MR t1.*; 8 \(MR t1"):
        medzoo.read(study, channel="t1")


@pytest.mark.parametrize("wanted", ["5", "Ax T2 TSE", "ax t2 tse", "TSE"])
def test_a_series_can_be_named(study, wanted):
    with pytest.warns(MedzooWarning, match="Series 5: "):
        medzoo.read(study, series=wanted)


def test_a_series_can_be_named_by_its_uid(maker, study):
    made = maker.series("i", number=9, description="", shape=(9, 6, 7))

    for wanted in (made.uid, made.uid[-8:]):
        with pytest.warns(MedzooWarning, match="Series 9: "):
            medzoo.read(study, series=wanted)


def test_numbers_that_occur_twice_name_nothing(maker):
    one = maker.series("a", number=2, shape=(9, 6, 7))
    other = maker.series("b", number=2, shape=(9, 6, 7))

    labels = {row.series for row in list_series(maker.folder)[0]}

    assert labels == {one.uid[-12:], other.uid[-12:]}
    with pytest.raises(InputError, match="chosen"):
        medzoo.read(maker.folder, series="2")


def test_single_slices_in_many_directions_are_one_row(maker):
    maker.series("scan", number=1)
    from pydicom.uid import generate_uid

    uid = generate_uid()
    for number, orientation in enumerate(("axial", "sagittal", "oblique")):
        maker.series(
            f"view{number}",
            shape=(1, 6, 7),
            orientation=orientation,
            number=2,
            uid=uid,
            description="MIP radial",
        )

    rows, damaged = list_series(maker.folder)

    assert damaged == 0
    assert [(r.series, r.matrix[2], r.kind) for r in rows] == [
        ("1", 10, ""),
        ("2", 3, "projection"),
    ]
    assert rows[1].problem == "is slices of different directions or sizes"


def test_echoes_of_one_series_are_parts(maker):
    for echo in (2.0, 80.0):
        maker.series(
            f"echo{echo}", uid="1.2.3", number=4, EchoTime=echo, shape=(9, 6, 7)
        )

    assert [row.series for row in list_series(maker.folder)[0]] == ["4/1", "4/2"]
    with pytest.raises(InputError, match="chosen"):
        medzoo.read(maker.folder)


def test_an_asked_for_series_of_another_kind_is_read_and_told(study):
    with pytest.warns(MedzooWarning, match="no plain scan \\(localiser\\)"):
        medzoo.read(study, series="1")


@pytest.mark.parametrize("name", ["plain", "with#sign"])
def test_the_place_is_found_before_the_sign(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()

    assert split_series(folder) == (folder, None)
    assert split_series(f"{folder}#T1 a/b") == (folder, "T1 a/b")
