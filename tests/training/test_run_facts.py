"""Scans that no file holds, in what a run is compared by."""

import json

import numpy as np
import pytest

from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.training.run_facts import RUN_FILE, begin_run
from medzoo.volume import Volume

RECIPE = {"name": "tiny", "task": "regression", "training": {}}


def cases_of(array, affine=None):
    volume = Volume(array, np.eye(4) if affine is None else affine)
    return [Case("a", {"t1": volume}, target="5")]


def test_voxels_type_and_place_of_volumes_in_memory_are_compared(tmp_path):
    array = np.arange(24, dtype="f4").reshape(2, 3, 4)
    begin_run(tmp_path, RECIPE, cases_of(array))
    begin_run(tmp_path, RECIPE, cases_of(np.asfortranarray(array)))
    for other in (
        cases_of(array + (array == 7)),
        cases_of(array.astype("f8")),
        cases_of(array.reshape(4, 3, 2)),
        cases_of(array, np.diag([2.0, 1, 1, 1])),
    ):
        with pytest.raises(InputError, match="another images of case a"):
            begin_run(tmp_path, RECIPE, other)


def test_runs_that_noted_no_voxels_are_resumed(tmp_path):
    cases = cases_of(np.zeros((2, 2, 2), "f4"))
    begin_run(tmp_path, RECIPE, cases)
    path = tmp_path / RUN_FILE
    facts = json.loads(path.read_text())
    facts["cases"]["a"]["images"]["t1"] = "in memory"
    path.write_text(json.dumps(facts))
    begin_run(tmp_path, RECIPE, cases)
    facts["cases"]["a"]["images"]["flair"] = "in memory"
    path.write_text(json.dumps(facts))
    with pytest.raises(InputError, match="another images of case a"):
        begin_run(tmp_path, RECIPE, cases)


def test_a_scan_in_an_object_store_is_told(tmp_path):
    cases = [Case("a", {"t1": "s3://bucket/a.nii.gz"}, target="5")]
    with pytest.raises(InputError, match=r"s3://bucket/a\.nii\.gz in case a"):
        begin_run(tmp_path / "runs", RECIPE, cases)
    assert not (tmp_path / "runs").exists()
