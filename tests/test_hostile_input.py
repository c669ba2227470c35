"""What is no image, table or place in space is one sentence of ours, and quick."""

import os
import time

import numpy as np
import pytest

import medzoo
from medzoo.data.cases.table_rows import read_rows
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import GeometryError, InputError, MedzooError
from medzoo.preprocess import Preprocessor
from medzoo.volume import Volume

CHANNELS = [{"name": "t1"}]
VOXELS = np.zeros((3, 3, 3), np.float32)


@pytest.mark.parametrize(
    "array",
    [
        VOXELS.astype(complex),
        VOXELS.astype("M8[s]"),
        VOXELS.astype(object),
        VOXELS.astype(str),
        np.zeros((3, 3, 3), [("a", "f4")]),
        VOXELS[0],
        VOXELS[None, None],
        VOXELS[:0],
        None,
        "scan.nii.gz",
        [[1.0], [2.0, 3.0]],
        np.ma.masked_less(np.arange(27.0).reshape(3, 3, 3), 5),
    ],
)
def test_voxels_that_are_no_real_numbers_are_refused(array):
    with pytest.raises(InputError, match=r"Received: .+\."):
        Volume(array, np.eye(4))


@pytest.mark.parametrize(
    "affine",
    [
        "abc",
        None,
        1j * np.eye(4) + np.eye(4),
        np.eye(4).astype(object),
        [[1, 0, 0, 0], [0, 1], [0], []],
        {},
        np.eye(4).astype(str),
        np.eye(3),
        np.diag([np.nan, 1, 1, 1]),
        np.diag([1e300, 1, 1, 1]),
        np.diag([1, 0, 1, 1]),
        np.eye(4)[[0, 1, 3, 2]],
    ],
)
def test_what_is_no_place_in_space_is_refused(affine):
    with pytest.raises(GeometryError, match=r"Received: .+\."):
        Volume(VOXELS, affine)


@pytest.mark.parametrize("path", [None, 3, b"a.nii", ["a.nii"], "a\0b.nii"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match="must be a path"):
        medzoo.read(path)
    with pytest.raises(InputError, match="must be a path"):
        medzoo.write(Volume(VOXELS, np.eye(4)), path)


@pytest.mark.parametrize("path", [None, 3, b"a.csv", ["a.csv"]])
def test_what_is_no_path_of_a_table_is_refused(path):
    with pytest.raises(InputError, match="must be a file"):
        read_cases(path, CHANNELS)


@pytest.mark.parametrize("name", ["a.nii", "a.csv"])
def test_a_pipe_that_nobody_fills_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    began = time.monotonic()
    reader = read_rows if name.endswith("csv") else medzoo.read
    with pytest.raises(MedzooError, match=name):
        reader(tmp_path / name)
    assert time.monotonic() - began < 5


def rows_of(folder, text):
    (folder / "cases.csv").write_bytes(text.encode())
    return [(number, dict(row)) for number, row in read_rows(folder / "cases.csv").rows]


@pytest.mark.parametrize(
    "text",
    [
        "case_id,t1\ra,x.nii\r",
        "\n\r\ncase_id,t1\na,x.nii\n",
        "sep=;\ncase_id;t1\na;x.nii\n",
        '"SEP=,"\r\ncase_id,t1\r\na,x.nii\r\n',
        "sep=|\ncase_id|t1\na|x.nii\n",
        "case_id,t1\u200b\na,x.nii\n",
        "\ufeffcase_id,\u00a0t1\na,x.nii\n",
    ],
)
def test_more_ways_of_writing_a_table_are_read_alike(tmp_path, text):
    rows = rows_of(tmp_path, text)
    assert [row for _, row in rows] == [{"case_id": "a", "t1": "x.nii"}]


@pytest.mark.parametrize(
    "text",
    [
        "case_id,t1\n'a',x.nii\n",
        "case_id,t1\n\u201ca\u201d,x.nii\n",
        'case_id,t1\n"a,x.nii\nb,y.nii\n',
        'case_id,t1\n"a"b,x.nii\n',
        'case_id,t1\n"a\nb",x.nii\n',
        "case_id,t1,T1\na,x.nii,y.nii\n",
        "# scans\ncase_id,t1\na,x.nii\n",
        "case_id,t1\na,x.nii\na,y.nii\n",
        "case_id,t1\n..,x.nii\n",
        "case_id,t1\n",
        "",
        "sep=;",
    ],
)
def test_tables_that_can_be_read_in_two_ways_are_refused(tmp_path, text):
    (tmp_path / "cases.csv").write_bytes(text.encode())
    with pytest.raises(MedzooError, match=r"cases\.csv") as caught:
        read_cases(tmp_path / "cases.csv", CHANNELS)
    assert "\n" not in str(caught.value)


def test_a_very_wide_table_is_read_in_seconds(tmp_path):
    wide = ",".join(f"x{n}" for n in range(50_000))
    (tmp_path / "cases.csv").write_text(f"case_id,t1,{wide}\na,x.nii\n")
    began = time.process_time()
    (case,) = read_cases(tmp_path / "cases.csv", CHANNELS, target="x9")
    assert case.case_id == "a"
    assert time.process_time() - began < 3


def test_an_output_whose_name_is_no_utf8_is_written_or_refused(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.nii.gz")
    medzoo.write(Volume(VOXELS, np.eye(4)), path)
    assert medzoo.read(path).shape == (3, 3, 3)


def test_a_volume_with_voxels_that_are_no_numbers_is_told_as_such():
    array = VOXELS.copy()
    array[1, 1, 1] = np.nan
    preprocessor = Preprocessor({}, [{"name": "t1", "required": True}])
    with pytest.raises(InputError, match="not finite=1 of 27"):
        preprocessor.gather(Volume(array, np.eye(4)))
