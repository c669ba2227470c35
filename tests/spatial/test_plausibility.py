"""What is no whole head is noted, and what is one is not."""

import csv

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medzoo.spatial import Registration, SpatialChain, atlas, resample
from medzoo.spatial.channel_agreement import overlap_doubts
from medzoo.spatial.channel_contrast import contrast_doubts
from medzoo.spatial.plausibility import head_doubts, kind_doubts, slice_doubts
from medzoo.volume import Volume

ATLAS = "ixi_t1_4mm"
CHECK = [{"step": "check_head", "arguments": {"atlas": ATLAS}}]
SHAPE = (40, 48, 44)
RNG = np.random.default_rng(0)


def notes(volume, channels=("t1",), steps=CHECK):
    return SpatialChain(steps, channels)(volume)[1].notes


def whole_brain():
    """The average brain as a scan: noisy, in whole numbers, on its own grid."""
    source = atlas(ATLAS)
    array = 1000 * source.brain + RNG.normal(0, 10, source.grid.shape)
    return Volume(np.maximum(array, 0).astype("i2"), source.grid.affine)


UNMOVED = Registration(np.eye(4), 0.9, 1.0)


def ellipsoids(outside, *parts, noise=0.0):
    """Nested ellipsoids of one value each, 4 mm voxels, as a Volume."""
    index = (np.stack(np.indices(SHAPE), -1) - (np.array(SHAPE) - 1) / 2) * 4.0
    array = np.full(SHAPE, outside, np.float32)
    for half_axes, value in parts:
        array[((index / half_axes) ** 2).sum(-1) < 1] = value
    array += RNG.normal(0, noise, SHAPE).astype("f4")
    return Volume(array, np.diag([4.0, 4, 4, 1]))


CT = ((72, 88, 80), 20), ((68, 84, 76), 900), ((62, 78, 70), 35)


def cube(noise):
    array = np.zeros(SHAPE, np.float32)
    array[8:32, 10:38, 10:34] = 100
    return (array + RNG.normal(0, noise, SHAPE)).astype("f4") if noise else array


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (RNG.random(SHAPE), "noise"),
        (RNG.integers(0, 255, SHAPE).astype("u1"), "noise"),
        (RNG.random(SHAPE) * (cube(0) > 0), "noise"),
        (cube(0), "areas of one value"),
        (cube(0).astype("u1") // 50, "areas of one value"),
        (ellipsoids(0, ((70, 84, 76), 3), ((50, 60, 60), 2)).array, "one value"),
        (ellipsoids(-1000, *CT, noise=10).array, "CT"),
        (ellipsoids(-1000, *CT, noise=10).array.astype("i2"), "CT"),
    ],
)
def test_what_is_no_scan_is_recognised_by_its_voxels(array, word):
    found = kind_doubts(array, "t1")
    assert len(found) == 1
    assert word in found[0]


def test_a_ct_is_welcome_where_one_is_expected():
    assert kind_doubts(ellipsoids(-1000, *CT, noise=10).array, "ct") == []


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1000.0])
@pytest.mark.parametrize("offset", [0.0, -0.5])
def test_a_smooth_image_is_a_scan_whatever_its_unit(scale, offset):
    array = gaussian_filter(RNG.normal(size=SHAPE), 1) + offset
    assert kind_doubts(np.float32(scale) * array.astype("f4"), "t1") == []


def test_what_is_too_small_to_tell_raises_no_doubt():
    assert kind_doubts(RNG.normal(size=(2, 9, 9)), "t1") == []


@pytest.mark.parametrize("value", [0, 5])
def test_a_constant_is_told(value):
    (found,) = kind_doubts(np.full((9, 9, 9), value, np.int16), "t1")
    assert f"value {value} everywhere" in found


def test_what_is_constant_in_32_bits_is_told_as_such():
    array = RNG.integers(0, 200, (9, 9, 9))
    for lost in (array + 2**60, array * 1e-38):
        (found,) = kind_doubts(lost, "t1")
        assert "everywhere" in found


def test_a_whole_brain_raises_no_doubt():
    assert kind_doubts(whole_brain().array, "t1") == []
    assert head_doubts(whole_brain(), UNMOVED, ATLAS, "t1") == []
    assert notes(whole_brain()) == ()


@pytest.mark.parametrize("erased", [True, False], ids=["erased", "cropped"])
@pytest.mark.parametrize(
    ("part", "side"),
    [
        (np.s_[:20], "left"),
        (np.s_[:, 24:], "front"),
        (np.s_[:, :, :18], "lower"),
    ],
)
def test_the_missing_part_of_a_brain_is_named(part, side, erased):
    brain = whole_brain()
    array = brain.array.copy()
    array[part] = 0
    affine = brain.affine.copy()
    if not erased:
        kept = (
            np.argwhere(array.any(axis=(1, 2)))[[0, -1], 0],
            *(
                np.argwhere(array.any(axis=axes))[[0, -1], 0]
                for axes in ((0, 2), (0, 1))
            ),
        )
        affine[:3, 3] += affine[:3, :3] @ [low for low, _ in kept]
        array = array[tuple(slice(low, high + 1) for low, high in kept)]
    found = head_doubts(Volume(array, affine), UNMOVED, ATLAS, "t1")
    assert len(found) == 1
    assert "part of the brain is missing" in found[0]
    assert f"of its {side} part" in found[0]


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Registration(np.eye(4), 0.3, 1.0), "does not resemble a T1"),
        (Registration(np.eye(4), 0.9, 2.0), "voxel size in the header"),
        (Registration(np.diag([0.6, 1, 1, 1]), 0.9, 0.84), "stretched"),
        (Registration(np.diag([0.76, 1, 1, 1]), 0.6, 0.91), "stretched"),
    ],
)
def test_an_odd_fit_is_noted(found, word):
    doubts = head_doubts(whole_brain(), found, ATLAS, "t1")
    assert len(doubts) == 1
    assert word in doubts[0]


def test_a_good_fit_may_be_stretched_more():
    found = Registration(np.diag([0.76, 1, 1, 1]), 0.7, 0.91)
    assert "stretched" not in " ".join(head_doubts(whole_brain(), found, ATLAS, "t1"))


def test_only_a_t1_needs_the_contrast_of_one():
    brain = whole_brain()
    # White matter a little darker than grey, fluid dark, as in a FLAIR.
    levels = (0, 300, 620, 2000), (0, 150, 600, 500)
    other = Volume(np.interp(brain.array, *levels).astype("f4"), brain.affine)
    found = head_doubts(other, UNMOVED, ATLAS, "t1")
    assert len(found) == 1
    assert "atypical of T1" in found[0]
    assert head_doubts(other, UNMOVED, ATLAS, "flair") == []
    poor = Registration(np.eye(4), 0.2, 1.0)
    assert head_doubts(other, poor, ATLAS, "flair") == []


def test_every_channel_that_is_there_is_looked_at():
    brain = whole_brain()
    noise = RNG.random(brain.shape, np.float32)
    channels = [brain.array, np.zeros(brain.shape), noise]
    both = brain.with_array(np.stack(channels, -1).astype("f4"))
    found = notes(both, ("t1", "t1_ir", "flair"), steps=[])
    assert len(found) == 1
    assert "the flair image looks like noise" in found[0]


def test_a_chain_without_registration_looks_at_voxels_only():
    box = Volume(cube(5.0), np.diag([4.0, 4, 4, 1]))
    assert notes(box, steps=[]) == ()
    assert len(notes(box)) == 1


@pytest.fixture(scope="module")
def heads(realdata):
    """A whole head at 4 mm, a stripped brain at 2 mm."""
    scans = []
    for name, spacing in (("ixi_hh", 4.0), ("malf2012", 2.0)):
        with (realdata / name / "cases.csv").open(newline="") as file:
            path = realdata / name / next(csv.DictReader(file))["t1"]
        from medzoo.io import read

        scans.append(resample(read(path), spacing))
    return scans


def test_real_heads_raise_no_doubt_but_their_halves_do(heads):
    for head, axis in zip(heads, (2, 0), strict=True):
        assert notes(head) == ()
        array = head.array.copy()
        np.moveaxis(array, axis, 0)[: array.shape[axis] // 2] = array.min()
        assert len(notes(head.with_array(array))) == 1


def test_label_maps_are_noted(realdata):
    from medzoo.io import read

    for path in sorted((realdata / "label_maps").rglob("*.nii.gz"))[:2]:
        assert "label map" in kind_doubts(read(path).array, "t1")[0]


def test_each_channel_is_held_against_its_kind():
    t1 = whole_brain()
    array = np.asarray(t1.array, np.float32)
    # Grey matter brighter than white, fluid dark.
    stops = (0.0, 300.0, 620.0, 1000.0, 2000.0)
    flair = t1.with_array(np.interp(array, stops, (0.0, 150.0, 1000.0, 850.0, 850.0)))
    assert contrast_doubts(t1, UNMOVED, ATLAS, "t1") == []
    assert contrast_doubts(flair, UNMOVED, ATLAS, "flair") == []
    assert "atypical of FLAIR" in contrast_doubts(t1, UNMOVED, ATLAS, "flair")[0]
    assert "atypical of T1" in contrast_doubts(flair, UNMOVED, ATLAS, "t1")[0]
    both = t1.with_array(np.stack([array, array], -1))
    told = notes(both, ("t1", "flair"))
    assert any("atypical of FLAIR" in note for note in told)


def of_contrast(*levels):
    """The average brain with other intensities: of fluid, grey and white matter."""
    brain = whole_brain()
    array = np.asarray(brain.array, np.float32)
    stops = (0.0, 60.0, 100.0, 480.0, 620.0, 930.0)
    fluid, grey, white = levels
    values = np.interp(array, stops, (0.0, 0.0, fluid, fluid, grey, white))
    return brain.with_array(values.astype(np.float32))


STRONG_T1, T2, PD = (250, 570, 1000), (2500, 1270, 1000), (1100, 1080, 1000)
SIGNED_IR, MAGNITUDE_IR, NULLED_IR = (
    (0, 600, 1000),
    (3000, 1800, 1000),
    (1800, 250, 1000),
)


@pytest.mark.parametrize("levels", [STRONG_T1, T2, PD], ids=["T1", "T2", "PD"])
def test_other_contrasts_are_no_inversion_recovery(levels):
    (found,) = contrast_doubts(of_contrast(*levels), UNMOVED, ATLAS, "t1_ir")
    assert "atypical of T1-IR" in found


@pytest.mark.parametrize("levels", [SIGNED_IR, MAGNITUDE_IR, NULLED_IR])
def test_inversion_recoveries_raise_no_doubt(levels):
    assert contrast_doubts(of_contrast(*levels), UNMOVED, ATLAS, "t1_ir") == []


def test_small_ventricles_raise_no_doubt():
    source = atlas(ATLAS)
    brain = whole_brain()
    array = np.asarray(brain.array, np.float32)
    # Three in four voxels where the average head has fluid are tissue.
    deep = (source.probability > 0.5) & (source.brain < 0.5)
    array[deep & (RNG.random(array.shape) < 0.75)] = 950.0
    assert contrast_doubts(brain.with_array(array), UNMOVED, ATLAS, "t1") == []


def test_channels_of_one_case_lie_in_one_place():
    array = np.asarray(whole_brain().array, np.float32)
    assert overlap_doubts(array, array * 0.7, "flair") == []
    away = np.roll(array, 18, axis=1)
    assert "two people" in overlap_doubts(array, away, "flair")[0]
    # What the second image did not see says nothing.
    half = array.copy()
    half[:, :, : half.shape[2] // 2] = 0
    assert overlap_doubts(array, half, "flair") == []


def test_thick_slices_are_told():
    assert slice_doubts((1.0, 1.0, 5.0), "t1")
    assert slice_doubts((1.0, 1.0, 3.0), "t1") == []
    assert slice_doubts((6.0, 6.0, 6.0), "t1") == []
