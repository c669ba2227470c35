"""The files of the 3-D viewer: in the scan's world, of a large scan fewer voxels."""

import numpy as np
import pytest

from medzoo.io import read
from medzoo.reporting.display import Display
from medzoo.serve import scene


@pytest.fixture
def display():
    """A display of a tilted grid, whose brightest voxel is one of the result's too."""
    image = np.zeros((8, 6, 4), np.uint8)
    image[4:6, 2:4, 0:2] = 200
    angle = np.deg2rad(20)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine[:3, 3] = 5, -7, 11
    layers = {"image": image, "result": image // 2}
    return Display((1.0, 1.0, 1.0), image.shape, (4, 3, 2), layers, affine)


def test_scan_and_result_lie_where_they_lay(display, tmp_path):
    names = scene.write_scene(display, tmp_path)
    scan, result = (read(tmp_path / name) for name in names)

    assert names == ["scan.nii.gz", "result.nii.gz"]
    np.testing.assert_array_equal(scan.array, display.layers["image"])
    np.testing.assert_array_equal(result.array, display.layers["result"])
    np.testing.assert_allclose(scan.affine, display.affine, atol=1e-5)


def test_fewer_voxels_stay_in_their_place(display, tmp_path, monkeypatch):
    monkeypatch.setattr(scene, "MOST_VOXELS", display.layers["image"].size / 8)
    scene.write_scene(display, tmp_path)
    small = read(tmp_path / "scan.nii.gz")

    assert small.shape == (4, 3, 2)
    np.testing.assert_allclose(small.spacing, 2, rtol=1e-5)
    for volume, array in ((display, display.layers["image"]), (small, small.array)):
        places = np.argwhere(array)
        world = places.mean(0) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        np.testing.assert_allclose(world, expected_centre(display), atol=1e-4)


def expected_centre(display):
    return display.affine[:3, :3] @ [4.5, 2.5, 0.5] + display.affine[:3, 3]
