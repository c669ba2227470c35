import importlib.util
from pathlib import Path

import pytest

# With --import-mode=importlib a test folder is no package and not on the path.
_spec = importlib.util.spec_from_file_location(
    "medzoo_test_nifti_bytes", Path(__file__).with_name("nifti_bytes.py")
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


@pytest.fixture
def save(tmp_path):
    """Saves a hand-made NIfTI file: `save("a.nii", array=None, **header fields)`."""

    def save_file(name, array=None, **changes):
        content = _module.nifti_bytes(array, **changes)
        return _module.write_bytes(tmp_path / name, content)

    return save_file


@pytest.fixture
def save_pair(tmp_path):
    """Saves a hand-made pair and returns both paths, header first."""

    def save_files(header_name, voxel_name, array=None, **changes):
        contents = _module.nifti_bytes(array, pair=True, **changes)
        names = (header_name, voxel_name)
        return [
            _module.write_bytes(tmp_path / name, content)
            for name, content in zip(names, contents, strict=True)
        ]

    return save_files


@pytest.fixture(scope="session")
def nifti_bytes():
    """The function that makes a NIfTI file's bytes."""
    return _module.nifti_bytes
