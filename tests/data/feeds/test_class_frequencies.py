import nibabel
import numpy as np
import pytest

from medzoo.data.cases.code_table import read_code_table, recode
from medzoo.data.feeds.class_frequencies import count_classes
from medzoo.errors import FileFormatError, InputError, MissingFileError


@pytest.fixture
def table(tmp_path):
    first = np.zeros((3, 4, 5), "i2")
    first[0] = 7
    first[1, 0, 0] = 2000
    second = np.zeros((2, 2, 2), "i2")
    second[0, 0] = 7
    for name, labels in (("a", first), ("b", second)):
        image = nibabel.Nifti1Image(labels, np.eye(4))
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
    rows = "case_id,labels\na,a.nii.gz\nb,b.nii.gz\nc,\n"
    (tmp_path / "cases.csv").write_text(rows)
    (tmp_path / "codes.csv").write_text("code,class\n7,1\n2000,2\n9,1\n")
    return tmp_path / "cases.csv"


@pytest.mark.parametrize("named", [True, False])
def test_counts_by_hand(table, named):
    codes = table.with_name("codes.csv")
    if named:
        found = count_classes(table, "labels:codes.csv", 4)
    else:
        found = count_classes(table, "labels", 4, codes=codes)

    assert found.voxels.tolist() == [39 + 6, 20 + 2, 1, 0]
    assert found.voxels_where_present.tolist() == [68, 68, 60, 0]


def test_labels_out_of_range_need_a_table(table):
    with pytest.raises(InputError, match="labels from 0 to 2000"):
        count_classes(table, "labels", 4)


def test_refuses_a_table_without_label_maps(table):
    table.write_text("case_id,labels\na,\n")
    with pytest.raises(InputError, match="no case with labels"):
        count_classes(table, "labels", 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,class\n1,x\n", "two whole numbers"),
        ("code,class\n1\n", "two whole numbers"),
        ("code,class\n1,9\n", "below 4"),
        ("code,class\n1,1\n1,2\n", "occurs once"),
        ("code,class\n-1,1\n", "at least 0"),
        ("code,class\n", "at least one row"),
    ],
)
def test_refuses_codes(tmp_path, text, said):
    path = tmp_path / "codes.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=said):
        read_code_table(path, 4)
    with pytest.raises(MissingFileError, match="Received: codes="):
        read_code_table(tmp_path / "none.csv", 4)


def test_refuses_what_is_no_csv(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_bytes(b"code,class\n1,\xff\xfe\n")
    with pytest.raises(FileFormatError, match="must be UTF-8 csv"):
        read_code_table(path, 4)


def test_recode():
    labels = np.array([[[0, 3], [500, 2]]])

    found = recode(labels, {3: 1, 2: 2}, 3)

    assert found.dtype == np.uint8
    assert found.tolist() == [[[0, 1], [0, 2]]]
    assert recode(np.array([[[1.0, 2.0]]]), None, 3).tolist() == [[[1, 2]]]
    with pytest.raises(InputError, match="whole numbers"):
        recode(labels + 0.5, None, 3)
    with pytest.raises(InputError, match="from -1 to"):
        recode(labels - 1, {3: 1}, 3)
