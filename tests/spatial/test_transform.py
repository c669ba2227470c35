"""Transforms: points, inverse, composition, and the files of ITK."""

import numpy as np
import pytest
import SimpleITK as sitk

from medzoo.errors import FileFormatError, GeometryError, InputError, MissingFileError
from medzoo.spatial.apply_transform import apply, cubes
from medzoo.spatial.grid import Grid
from medzoo.spatial.label_votes import vote
from medzoo.spatial.transform import Transform
from medzoo.spatial.transform_files import read_transform, write_transform
from medzoo.volume import Volume

TURN = np.array(
    [[0.9, -0.2, 0.1, 5], [0.15, 1.05, 0, -3], [-0.1, 0.05, 0.95, 8], [0, 0, 0, 1]]
)
POINTS = np.random.default_rng(0).uniform(-25, 25, (50, 3))


def bumps(shape=(24, 26, 28), spacing=3.0, height=4.0):
    """A smooth displacement field that is 0 at its border."""
    axes = [np.sin(np.pi * np.arange(n) / (n - 1)) ** 2 for n in shape]
    bell = axes[0][:, None, None] * axes[1][:, None] * axes[2]
    array = np.stack([height * bell, -0.5 * height * bell, 0.7 * height * bell], -1)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -spacing * (np.array(shape) - 1) / 2
    return Volume(array.astype(np.float32), affine)


def both():
    return Transform([bumps(), TURN])


def test_points_go_through_the_parts_in_their_order():
    first = Transform([bumps()]).points(POINTS)
    expected = first @ TURN[:3, :3].T + TURN[:3, 3]
    np.testing.assert_allclose(both().points(POINTS), expected)
    assert np.abs(first - POINTS).max() > 1


def test_composition_is_one_after_the_other():
    whole = both().then(Transform([np.linalg.inv(TURN)]))
    np.testing.assert_allclose(
        whole.points(POINTS), Transform([bumps()]).points(POINTS), atol=1e-9
    )


def test_the_inverse_leads_back():
    there = both()
    back = there.inverse().points(there.points(POINTS))
    assert np.abs(back - POINTS).max() < 0.1


def test_a_field_that_folds_space_has_no_inverse():
    folded = Transform([bumps(height=120.0)])
    assert folded.jacobian() < 0
    with pytest.raises(GeometryError, match="folds space"):
        folded.inverse()


TURNED = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    "axes", [np.eye(3), np.diag([-1, -1, 1]), np.eye(3)[[1, 2, 0]], TURNED]
)
def test_the_jacobian_does_not_depend_on_the_axes_of_the_field(axes):
    affine = np.eye(4)
    affine[:3, :3] = 2.0 * axes
    affine[:3, 3] = -affine[:3, :3] @ [10, 10, 10]
    index = np.stack(np.indices((21, 21, 21)), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    stretch, fold = np.zeros_like(world), np.zeros_like(world)
    stretch[..., 0], fold[..., 0] = 1.5 * world[..., 0], -1.2 * world[..., 0]

    found = Transform([Volume(stretch.astype(np.float32), affine)]).jacobian()
    assert found == pytest.approx(2.5, abs=1e-3)
    folded = Transform([Volume(fold.astype(np.float32), affine)])
    assert folded.jacobian() == pytest.approx(-0.2, abs=1e-3)
    with pytest.raises(GeometryError, match="folds space"):
        folded.inverse()


def test_points_at_the_border_of_a_field_move_as_images_do():
    field = Volume(np.full((5, 5, 5, 3), 10, np.float32), np.eye(4))
    index = np.array([[4.3, 2, 2], [-0.3, 2, 2], [4.6, 2, 2], [2, 2, -0.7]])

    moved = Transform([field]).points(index) - index
    np.testing.assert_allclose(moved, [[10] * 3, [10] * 3, [0] * 3, [0] * 3])


def test_the_jacobian_of_a_stretch_is_its_volume():
    grid = Grid.centred((12, 12, 12), 2.0, 0.0)
    index = np.stack(np.indices(grid.shape), -1)
    world = index * 2.0 + grid.affine[:3, 3]
    field = Volume((0.1 * world).astype(np.float32), grid.affine)
    assert Transform([field]).jacobian() == pytest.approx(1.1**3, abs=1e-3)
    assert Transform([TURN]).jacobian() == 1.0


@pytest.mark.parametrize("name", ["both.h5", "affine.h5", "affine.tfm", "affine.mat"])
def test_itk_reads_from_the_file_what_the_transform_does(tmp_path, name):
    transform = both() if name.startswith("both") else Transform([TURN])
    path = write_transform(transform, tmp_path / name)
    itk = sitk.ReadTransform(str(path))
    flip = np.array([-1, -1, 1])
    found = [itk.TransformPoint((p * flip).tolist()) for p in POINTS]
    np.testing.assert_allclose(found * flip, transform.points(POINTS), atol=1e-4)


@pytest.mark.parametrize("name", ["both.h5", "affine.tfm"])
def test_a_transform_comes_back_from_its_file(tmp_path, name):
    transform = both() if name.startswith("both") else Transform([TURN])
    found = read_transform(write_transform(transform, tmp_path / name))
    np.testing.assert_allclose(
        found.points(POINTS), transform.points(POINTS), atol=1e-4
    )


def test_an_image_that_simple_itk_draws_by_the_file_is_the_one_that_apply_draws(
    tmp_path, head_phantom
):
    head = head_phantom(4.0)
    grid = Grid.centred((40, 44, 40), 4.0, 0.0)
    path = write_transform(both(), tmp_path / "t.h5")
    moving = sitk.GetImageFromArray(head.array.transpose(2, 1, 0))
    lps = np.diag([-1, -1, 1, 1]) @ head.affine
    moving.SetSpacing([4.0] * 3)
    moving.SetOrigin(lps[:3, 3].tolist())
    moving.SetDirection((lps[:3, :3] / 4).ravel().tolist())
    fixed = sitk.Image([40, 44, 40], sitk.sitkFloat32)
    lps = np.diag([-1, -1, 1, 1]) @ grid.affine
    fixed.SetSpacing([4.0] * 3)
    fixed.SetOrigin(lps[:3, 3].tolist())
    fixed.SetDirection((lps[:3, :3] / 4).ravel().tolist())
    drawn = sitk.Resample(moving, fixed, sitk.ReadTransform(str(path)))
    expected = sitk.GetArrayFromImage(drawn).transpose(2, 1, 0)
    np.testing.assert_allclose(
        apply(both(), head, grid=grid).array, expected, atol=0.05 * head.array.max()
    )
    assert expected.max() > 100


def test_other_transforms_of_itk_are_read(tmp_path):
    euler = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.2, -0.1, 0.3, (4.0, 5.0, 6.0))
    path = tmp_path / "e.tfm"
    sitk.WriteTransform(euler, str(path))
    flip = np.array([-1, -1, 1])
    expected = [euler.TransformPoint((p * flip).tolist()) for p in POINTS] * flip
    np.testing.assert_allclose(read_transform(path).points(POINTS), expected, atol=1e-9)


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "x.tfm").write_text("no transform")
    with pytest.raises(FileFormatError, match="ITK must be able"):
        read_transform(tmp_path / "x.tfm")
    with pytest.raises(MissingFileError):
        read_transform(tmp_path / "absent.h5")
    with pytest.raises(InputError, match=r"\.h5"):
        write_transform(both(), tmp_path / "field.tfm")
    splines = sitk.BSplineTransform(3)
    sitk.WriteTransform(splines, str(tmp_path / "b.tfm"))
    with pytest.raises(FileFormatError, match="affine or a displacement field"):
        read_transform(tmp_path / "b.tfm")


def test_apply_serves_every_orientation(head_phantom):
    grid = Grid.centred((44, 55, 52), 4.0, 0.0)
    plain = apply(Transform([]), head_phantom(4.0), grid=grid).array
    turned = apply(Transform([]), head_phantom(4.0, "PSR"), grid=grid).array
    assert np.abs(plain - turned).max() < 25
    assert np.corrcoef(plain.ravel(), turned.ravel())[0, 1] > 0.998


def test_labels_there_and_back_keep_their_place(head_phantom):
    head = head_phantom(3.0)
    labels = head.with_array(np.digitize(head.array, [40, 80, 130]).astype(np.uint8))
    transform = both()
    grid = Grid.centred((80, 90, 90), 3.0, 0.0)
    there = apply(transform, labels, labels=True, grid=cubes(grid, 1.5))
    assert there.array.dtype == np.uint8
    back = apply(
        transform.inverse(Grid.of(head)), there, labels=True, grid=Grid.of(head)
    )
    inside = labels.array == 3
    both_have = (back.array == 3) & inside
    dice = 2 * both_have.sum() / ((back.array == 3).sum() + inside.sum())
    assert dice > 0.95


def test_votes_are_linear():
    labels = np.array([7, 7, 3], np.uint8).reshape(3, 1, 1)
    index = np.array([[0.0, 0, 0], [1.4, 0, 0], [1.6, 0, 0], [2, 0, 0], [9, 0, 0]])
    np.testing.assert_array_equal(vote(labels, index), [7, 7, 3, 3, 0])


def test_what_apply_cannot_do_it_refuses(head_phantom):
    head = head_phantom(8.0)
    with pytest.raises(InputError, match="what to draw on"):
        apply(Transform([]), head)
    with pytest.raises(InputError, match="label map"):
        apply(Transform([]), head, labels=True, grid=Grid.of(head))
    with pytest.raises(InputError, match="spacing"):
        apply(Transform([]), head, grid=Grid.of(head), spacing=-1)
    with pytest.raises(GeometryError, match="invertible"):
        Transform([np.zeros((4, 4)) + np.diag([0, 0, 0, 1])])
    with pytest.raises(GeometryError, match="4x4"):
        Transform([np.eye(3)])
    with pytest.raises(InputError, match="displacement field"):
        Transform([head])


def test_a_path_that_is_no_unicode_is_refused(tmp_path):
    path = tmp_path / "M\udcfcller.tfm"
    with pytest.raises(InputError, match=r"valid Unicode.*M\\udcfcller"):
        write_transform(Transform([np.eye(4)]), path)
    with pytest.raises(InputError, match="valid Unicode"):
        read_transform(path)
