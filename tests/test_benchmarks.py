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
