"""What an explanation becomes on the disk."""

import csv
import json

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.explanation.files import check_folder, regions_csv
from medzoo.io import read


def test_map_table_json_and_picture_are_written(age, scan, tmp_path):
    paths = age.write(tmp_path / "out", scan=scan)

    names = ["map.nii.gz", "regions.csv", "explanation.json", "map.png"]
    assert [path.name for path in paths] == names
    found = read(paths[0])
    np.testing.assert_allclose(found.array, age.map.array, atol=1e-6)
    np.testing.assert_allclose(found.affine, scan.affine, atol=1e-4)
    assert json.loads(paths[2].read_text()) == age.to_dict()
    assert paths[3].read_bytes().startswith(b"\x89PNG")


def test_the_table_has_a_line_a_region(age):
    rows = list(csv.DictReader(regions_csv(age).splitlines()))

    assert [row["region"] for row in rows] == [r.name for r in age.regions]
    assert float(rows[0]["effect"]) == pytest.approx(age.regions[0].effect, abs=1e-3)
    assert age.table() == regions_csv(age)


def test_without_a_scan_there_is_no_picture(sex, tmp_path):
    assert len(sex.write(tmp_path)) == 3
    assert not (tmp_path / "map.png").exists()


def test_another_explanation_is_replaced_only_if_asked(tmp_path):
    (tmp_path / "regions.csv").write_text("mine")
    with pytest.raises(InputError, match=r"regions\.csv"):
        check_folder(tmp_path)
    check_folder(tmp_path, overwrite=True)
    check_folder(tmp_path / "new")
    with pytest.raises(InputError, match="a file"):
        check_folder(tmp_path / "regions.csv")
