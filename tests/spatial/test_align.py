import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from medzoo.errors import InputError
from medzoo.preprocess import Preprocessor
from medzoo.spatial import Grid, align, resample_to
from medzoo.spatial.align import Motion, aligned, motion_between
from medzoo.volume import Volume
from tests.conftest import make_head

# Degrees about x, y, z, and mm.
MOTIONS = [((5.0, 0.0, 0.0), (0.0, 3.0, 4.0)), ((0.0, -3.0, 4.0), (-4.0, 3.0, 1.0))]


def moved(volume, degrees, mm):
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", degrees, degrees=True)
    matrix[:3, :3], matrix[:3, 3] = turn.as_matrix(), mm
    return volume.with_affine(matrix @ volume.affine), matrix


def other_contrast(volume):
    """What is bright becomes dark, and the other way round, within the head."""
    array = np.asarray(volume.array, np.float32)
    return volume.with_array(np.where(array > 10, 260 - array, 0).astype(np.float32))


# Ellipsoids turn in their skins: what holds them are a nose, ears and deep nuclei.
# Centre and radius in mm.
MARKS = [
    ((0, 104, -20), 14),
    ((0, 60, -75), 28),  # a jaw
    ((74, -10, -15), 12),
    ((-76, -5, -20), 12),
    ((24, 8, 0), 10),
    ((-22, 30, 12), 9),
    ((5, -50, -30), 14),
    ((-10, -60, 30), 9),
]


def with_marks(volume):
    index = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    array = np.array(volume.array, np.float32)
    flat = array.reshape(-1)
    for centre, radius in MARKS:
        distance = np.linalg.norm(world - np.array(centre)[:, None], axis=0)
        inside = np.clip(radius + 1.0 - distance, 0, 2) / 2
        flat[:] = flat * (1 - inside) + 130.0 * inside
    return volume.with_array(array)


@pytest.fixture(scope="module")
def pair():
    """A T1, and another contrast on a coarser grid of another orientation."""
    t1 = with_marks(make_head(2.0, noise=2.0))
    coarse = make_head((1.5, 1.5, 4.0), "LAS", noise=2.0, seed=1)
    return t1, other_contrast(with_marks(coarse))


def assert_undone(matrix, found):
    """To half a millimetre and half a degree."""
    rest = np.linalg.inv(matrix) @ found
    turned = np.degrees(np.arccos(np.clip((np.trace(rest[:3, :3]) - 1) / 2, -1, 1)))
    assert np.linalg.norm(rest[:3, 3]) < 0.5
    assert turned < 0.5


def test_a_known_motion_is_found(pair):
    t1, flair = pair
    degrees, mm = MOTIONS[1]
    channel, matrix = moved(flair, degrees, mm)

    found = motion_between(t1, channel, "flair")

    assert_undone(matrix, found.matrix)
    assert found.mm == pytest.approx(np.linalg.norm(mm), abs=0.6)


def test_channels_that_lie_on_each_other_are_not_touched(pair):
    t1, flair = pair

    found = aligned({"t1": t1, "flair": flair}, ["t1", "flair"])

    assert np.abs(found["flair"].affine - flair.affine).max() < 0.5
    assert found["t1"] is t1


@pytest.mark.parametrize(("mm", "touched"), [(1.2, False), (4.0, True)])
def test_on_one_grid_a_millimetre_is_left_alone(pair, mm, touched, monkeypatch):
    t1, flair = pair
    channel, matrix = moved(flair, (0.0, 0.0, 0.0), (0.0, mm, 0.0))
    channel = resample_to(channel, Grid.of(t1))
    # To find so little is the subject of the tests above.
    known = Motion(matrix, mm=mm, degrees=0.0)
    monkeypatch.setattr(align, "motion_between", lambda *_: known)

    found = aligned({"t1": t1, "flair": channel}, ["t1", "flair"])["flair"]

    assert bool(found.warnings) == touched
    shift = found.affine[:3, 3] - channel.affine[:3, 3]
    assert np.linalg.norm(shift) == pytest.approx(mm if touched else 0, abs=1e-6)


def test_a_known_motion_is_undone_and_told(pair):
    t1, flair = pair
    degrees, mm = MOTIONS[0]
    channel, matrix = moved(flair, degrees, mm)

    found = aligned({"flair": channel, "t1": t1}, ["flair", "t1"])

    assert_undone(matrix, channel.affine @ np.linalg.inv(found["flair"].affine))
    (note,) = found["flair"].warnings
    assert "flair was brought onto t1" in note
    told = float(re.search(r"moved by ([0-9.]+) mm", note)[1])
    assert told == pytest.approx(np.linalg.norm(mm), abs=0.7)
    assert found["t1"] is t1


def test_another_place_is_refused(pair):
    t1, flair = pair
    far, _ = moved(flair, (0.0, 0.0, 0.0), (0.0, 0.0, 300.0))

    with pytest.raises(InputError, match=r"overlap|where the first channel has it"):
        motion_between(t1, far, "flair")


def test_a_constant_channel_is_refused(pair):
    t1, _ = pair
    constant = Volume(np.ones((20, 20, 20), np.float32), np.diag([8.0, 8, 8, 1]))

    with pytest.raises(InputError, match="contrast"):
        motion_between(t1, constant, "flair")


def test_training_leaves_channels_as_they_are(pair, monkeypatch):
    t1, flair = pair
    channel, matrix = moved(flair, *MOTIONS[0])
    # How it is found is the subject of the tests above.
    known = Motion(matrix, mm=5.0, degrees=5.0)
    monkeypatch.setattr(align, "motion_between", lambda *_: known)
    channels = [{"name": "t1"}, {"name": "flair"}]
    preprocessor = Preprocessor({"spatial": [], "layers": []}, channels)
    case = {"t1": t1, "flair": channel}

    apart = preprocessor.gather(case)
    together = preprocessor.gather(case, align=True)

    assert apart.warnings == ()
    assert "brought onto" in together.warnings[0]
    assert np.abs(apart.array[..., 1] - together.array[..., 1]).mean() > 5
