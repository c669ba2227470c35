"""ixi_age_resnet on real scans: right on other scanners, indifferent to the grid."""

import csv
from itertools import permutations, product

import numpy as np
import pytest
from scipy import ndimage

import medzoo
from medzoo.spatial import orient, resample
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume

pytestmark = pytest.mark.extended
ORIENTATIONS = [
    "".join(pair[side] for pair, side in zip(order, sides, strict=True))
    for order in permutations(("LR", "PA", "IS"))
    for sides in product((0, 1), repeat=3)
]


@pytest.fixture(scope="module")
def model():
    return medzoo.load("ixi_age_resnet")


def rows(folder):
    with (folder / "cases.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["age"]]


@pytest.fixture(scope="module")
def heads(realdata):
    """A whole head and a stripped one."""
    ixi, malf = realdata / "ixi_hh", realdata / "malf2012"
    paths = (ixi / rows(ixi)[3]["t1"], malf / rows(malf)[0]["t1"])
    return [medzoo.read(path) for path in paths]


def test_other_grids_of_the_same_head_give_the_same_age(model, heads):
    differences = []
    for head in heads:
        age = model.predict_volume(head).value
        for variant in variants(head):
            differences.append(abs(model.predict_volume(variant).value - age))
    assert np.median(differences) < 1.0
    assert max(differences) < 4.0


def variants(head):
    for letters in ORIENTATIONS[5::12]:
        yield orient(head, letters)
    yield shifted_in_the_world(head)
    yield shifted_in_its_field_of_view(head)
    yield resample(head, 1.5)


def shifted_in_the_world(head):
    affine = head.affine.copy()
    affine[:3, 3] += (20.0, -20.0, 20.0)
    return head.with_affine(affine)


def shifted_in_its_field_of_view(head):
    """The head lies 20 mm further along each axis of a larger array."""
    voxels = np.rint(20.0 / np.array(head.spacing)).astype(int)
    array = np.pad(head.array, [(n, 0) for n in voxels])
    affine = head.affine.copy()
    return Volume(array, affine)


def test_error_on_another_scanner_stays_within_eight_years(model, realdata):
    folder = realdata / "malf2012"
    errors = [
        model.predict_volume(folder / row["t1"]).value - float(row["age"])
        for row in rows(folder)[::2]
    ]
    assert np.mean(np.abs(errors)) < 8.0


def test_noise_and_label_maps_are_answered_with_a_warning(model, realdata, recwarn):
    grid = Grid((60, 70, 60), np.diag([3.0, 3, 3, 1]))
    noise = np.random.default_rng(0).random(grid.shape, np.float32)
    assert model.predict_volume(Volume(noise, grid.affine)).warnings
    maps = sorted((realdata / "label_maps").rglob("*.nii.gz"))
    assert model.predict_volume(maps[0]).warnings


def spline(head):
    """Moved by 0.4 voxels, as registration does: overshoot on both sides of edges."""
    array = ndimage.shift(np.asarray(head.array, np.float32), 0.4, order=3)
    affine = head.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, 0.4)
    return Volume(array, affine)


def lanczos(head):
    """The same by a windowed sinc of four lobes on each side, axis by axis."""
    away = np.arange(-4, 5) - 0.4
    weights = np.where(np.abs(away) < 4, np.sinc(away) * np.sinc(away / 4), 0)
    array = np.asarray(head.array, np.float32)
    for axis in range(3):
        array = ndimage.convolve1d(array, weights / weights.sum(), axis)
    affine = head.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, 0.4)
    return Volume(array, affine)


def coarse(head):
    """On a grid of 2 mm, by a spline."""
    steps = 2.0 / np.array(head.spacing)
    shape = tuple(np.ceil(np.array(head.shape) / steps).astype(int))
    array = np.asarray(head.array, np.float32)
    array = ndimage.affine_transform(array, steps, output_shape=shape, order=3)
    affine = head.affine.copy()
    affine[:3, :3] = affine[:3, :3] * steps
    return Volume(array, affine)


def corner(share):
    """One voxel far from the head, by a share of the bright ones."""

    def changed(head):
        array = np.array(head.array, np.float32)
        array[0, 0, 0] = share * np.percentile(array, 99.5)
        return head.with_array(array)

    return changed


def standardised(head):
    """z-scores of what is not 0, as of MONAI and nnU-Net; the rest stays 0."""
    array = np.array(head.array, np.float32)
    inside = array > 0
    values = (array - array[inside].mean()) / array[inside].std()
    return head.with_array(np.where(inside, values, 0).astype(np.float32))


@pytest.fixture(scope="module")
def stripped(realdata):
    """A stripped brain of each of two scanners, the models, and their plain answers."""
    models = [medzoo.load(name) for name in ("ixi_age_resnet", "ixi_sex_resnet")]
    paths = [
        realdata / folder / rows(realdata / folder)[number]["t1"]
        for folder, number in (("malf2012", 0), ("ds002748", 8))
    ]
    scans = [medzoo.read(path) for path in paths]
    return models, [(scan, *answers(models, scan)[:2]) for scan in scans]


def answers(models, scan):
    age, sex = (model.predict_volume(scan) for model in models)
    return age.value, sex.probabilities["female"], age.warnings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (spline, False),
        (lanczos, False),
        (coarse, False),
        (corner(-0.2), False),
        (corner(-1.0), False),
        (corner(10.0), True),
        (standardised, True),
    ],
    ids=[
        "spline",
        "lanczos",
        "2 mm",
        "corner -20 %",
        "corner -100 %",
        "corner +1000 %",
        "standardised",
    ],
)
def test_levels_of_intensity_hardly_change_an_answer(stripped, change, told):
    models, scans = stripped
    for scan, age, female in scans:
        found, share, warnings = answers(models, change(scan))
        assert abs(found - age) < 1.5
        assert abs(share - female) < 0.1
        assert bool(warnings) == told
