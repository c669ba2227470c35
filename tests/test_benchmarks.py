"""The benchmark scripts still run: at a size that measures nothing."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def augmentation():
    """The script as a module, with what lies beside it."""
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not in source distributions")
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location(
            "augmentation_benchmark", FOLDER / "augmentation.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


def test_contenders_augment_the_same_case(augmentation):
    case = augmentation.make_case(12)
    assert case[0].shape == case[1].shape == (12, 12, 12)
    assert set(np.unique(case[1])) <= {0, 1, 2, 3, 4}

    contenders = augmentation.medzoo_contenders(case)

    assert len(contenders) == 4
    for run in contenders.values():
        found = run()
        assert found["images"].shape == (12, 12, 12, 1)
        assert found["segmentation_masks"].dtype == np.int32
        assert set(np.unique(found["segmentation_masks"])) <= {0, 1, 2, 3, 4}
        assert not np.array_equal(found["images"][..., 0], case[0])


def test_ratios_are_over_the_reference(augmentation):
    rows = {augmentation.REFERENCE: {"s": 3.0}, "other": {"s": 0.5}}

    augmentation.add_ratios(rows, "s")

    assert rows["other"]["times_torchio"] == 6
    assert rows[augmentation.REFERENCE]["times_torchio"] == 1


def test_engines_are_compared_with_keras(augmentation):
    spec = importlib.util.spec_from_file_location("engines", FOLDER / "engines.py")
    engines = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engines)
    rows = {
        "keras": {"times_s": [3.0, 4.0, 5.0]},
        "other": {"times_s": [2.0, 1.0, 9.0]},
    }
    usual = np.array([[1.0, 4.0], [2.0, 1.0]])
    answers = {"keras": usual, "other": usual + np.array([[0, 0], [0, 2]])}

    engines.compare(rows, answers, softmax=True)

    other = rows["other"]
    assert (other["median_s"], other["times_keras"]) == (2.0, 2.0)
    assert (other["largest"], other["mean"]) == ("5.0e-01", "1.2e-01")
    assert other["other_labels"] == "5.0e-01"
