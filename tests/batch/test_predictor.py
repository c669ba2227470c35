"""Overlapping reading and computing changes no record."""

import shutil

from medzoo.batch.input_cases import cases_of
from medzoo.batch.predictor import Predictor


def test_records_with_and_without_overlap_are_equal(tmp_path, model_folder, scan):
    paths = [tmp_path / f"case{n}.nii.gz" for n in range(6)]
    for path in paths:
        shutil.copy(scan, path)
    paths[2].write_bytes(b"not an image")
    predictor = Predictor(model_folder)
    cases = cases_of(paths, predictor.channels)
    plain = [result.record for result in predictor.results(cases, overlap=False)]
    assert [result.record for result in predictor.results(cases)] == plain
    assert [r["case_id"] for r in plain] == [case.case_id for case in cases]
    assert ["error" in r for r in plain] == [n == 2 for n in range(6)]


def test_what_decides_a_result_beside_the_scan_is_noted(model_folder):
    usual = Predictor(model_folder).options
    assert usual == Predictor(model_folder).settings.to_dict()
    other = Predictor(model_folder, assume_affine=0.5, align=False).options
    assert other == {**usual, "assume_affine": [0.5], "aligned": True}
