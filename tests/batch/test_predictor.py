"""Overlapping reading and computing changes no record."""

import shutil
from types import SimpleNamespace

import pytest

from medzoo.batch.input_cases import cases_of
from medzoo.batch.predictor import Predictor
from medzoo.data.cases.case import Case
from medzoo.errors import OfflineError


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


class Output:
    """Notes numbers; the upload of one case, or its disk, fails."""

    def __init__(self, error=None, done=()):
        self.error, self.done, self.notes = error, done, []

    def finished(self, case):
        return {"value": 0.0} if case.case_id in self.done else None

    def write(self, case, found):
        if case.case_id == "c1" and self.error is not None:
            raise self.error
        self.notes.append(case.case_id)
        return found.to_dict()

    def failed(self, case, error):
        self.notes.append((case.case_id, error))


def without_a_network(threads):
    predictor = Predictor.__new__(Predictor)
    predictor.threads = threads
    predictor.scan = lambda case: case.case_id
    predictor.task = SimpleNamespace(place=lambda scan: (scan, None))
    found = SimpleNamespace(to_dict=lambda: {"value": 1.0})
    predictor._predict = lambda case, preprocess: found
    return predictor


CASES = [Case(f"c{number}", {"t1": "x"}) for number in range(4)]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_connection_lost_at_an_upload_is_that_cases_fault(threads):
    predictor = without_a_network(threads)
    output = Output(OfflineError("A store must be reached.\nReceived: nothing."))
    records = [one.record for one in predictor.results(CASES, output=output)]
    assert [record.get("value") for record in records] == [1.0, None, 1.0, 1.0]
    told = "A store must be reached. Received: nothing."
    assert records[1] == {"case_id": "c1", "error": told}
    assert output.notes == ["c0", ("c1", told), "c2", "c3"]
    with pytest.raises(OSError, match="full"):
        list(predictor.results(CASES, output=Output(OSError(28, "disk full"))))


@pytest.mark.parametrize("scans", [True, False])
def test_what_is_shown_is_predicted_again_where_no_image_is_kept(scans):
    output = Output(done=("c0", "c1", "c2"))
    results = list(without_a_network(1).results(CASES, output=output, scans=scans))
    again = ["c0", "c1", "c2", "c3"] if scans else ["c3"]
    assert output.notes == again
    assert all((result.prediction is not None) == scans for result in results[:3])
