"""Channels of a case are of one head, each in its own contrast; others are told."""

import csv

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medzoo.spatial import Registration, SpatialChain, atlas, register, resample_to
from medzoo.spatial.channel_agreement import agreement_doubts
from medzoo.spatial.channel_contrast import contrast_doubts
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume

ATLAS = "ixi_t1_4mm"
UNMOVED = Registration(np.eye(4), 0.9, 1.0)
CHECK = [{"step": "check_head", "arguments": {"atlas": ATLAS}}]
# Of the average T1 (white matter 1, grey 0.66, fluid 0.3) what each contrast makes.
LEVELS = (0.0, 0.12, 0.3, 0.66, 1.0, 1.5)
CONTRASTS = {
    "flair": (0.0, 0.08, 0.15, 1.0, 0.8, 0.7),
    # MRBrainS13's T1-IR (inversion time 0.4 s) by the equation of inversion recovery,
    # as magnitude and with its sign (air is the brightest), and a strong one.
    "magnitude": (0.0, 0.48, 0.48, 0.36, 0.17, 0.1),
    "signed": (0.5, 0.0, 0.0, 0.12, 0.31, 0.4),
    "strong": (0.0, 0.02, 0.05, 0.4, 1.0, 1.2),
    "t2": (0.0, 1.0, 1.0, 0.55, 0.4, 0.6),
}
T1_IR = ("magnitude", "signed", "strong")


def person(seed, spacing=3.0):
    """A T1 of somebody: the average brain with folds of their own."""
    source = atlas(ATLAS)
    grid = Grid.of(Volume(source.brain, source.grid.affine)).around(spacing)
    brain = resample_to(Volume(source.brain, source.grid.affine), grid)
    rng = np.random.default_rng(seed)
    folds = gaussian_filter(rng.normal(size=grid.shape), 1.5)
    folds *= 0.12 / folds.std()
    array = np.where(brain.array > 0.2, brain.array + folds, brain.array)
    return brain.with_array(np.clip(array, 0, 1.3).astype(np.float32))


def contrast(volume, name, noise=0.02):
    """Another contrast of a T1, with noise of its own."""
    array = np.interp(volume.array, LEVELS, CONTRASTS[name])
    array += np.random.default_rng(9).normal(0, noise, array.shape)
    return volume.with_array(np.maximum(array, 0).astype(np.float32))


def doubts(first, other):
    return agreement_doubts(first, other, UNMOVED, ATLAS, ("t1", "flair"))


@pytest.mark.parametrize("name", CONTRASTS)
def test_two_contrasts_of_one_head_agree(name):
    assert doubts(person(0), contrast(person(0), name)) == []


@pytest.mark.parametrize("name", CONTRASTS)
def test_the_brain_of_somebody_else_in_the_same_place_is_told(name):
    found = doubts(person(0), contrast(person(1), name))
    assert len(found) == 1
    assert "two people" in found[0]


def test_left_and_right_exchanged_are_told():
    other = contrast(person(0), "flair")
    mirror = np.diag([-1.0, 1, 1, 1])
    mirrored = other.with_affine(mirror @ other.affine)
    found = doubts(person(0), resample_to(mirrored, Grid.of(other)))
    assert len(found) == 1
    assert "left and right" in found[0]


def test_one_image_given_twice_is_told():
    found = doubts(person(0), person(0).with_array(3 * person(0).array))
    assert len(found) == 1
    assert "are one image" in found[0]


def test_a_head_that_moved_a_little_is_still_one_head():
    other = contrast(person(0), "flair")
    move = np.eye(4)
    move[:3, 3] = (1.0, -1.5, 1.0)
    moved = resample_to(other.with_affine(move @ other.affine), Grid.of(other))
    assert doubts(person(0), moved) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_what_a_channel_did_not_see_says_nothing(share):
    other = contrast(person(0), "flair")
    array = other.array.copy()
    array[:, :, : int(share * array.shape[2])] = 0
    assert not doubts(person(0), other.with_array(array))
    # Nor does an image without any contrast.
    assert doubts(person(0), other.with_array(np.ones_like(array))) is None


def test_a_phantom_without_sides_is_nobody():
    source = atlas(ATLAS)
    array = np.maximum(source.brain, source.brain[::-1])
    brain = Volume(array.astype(np.float32), source.grid.affine)
    middle = np.diag([1.0, 1, 1, 1])
    middle[0, 3] = -(source.grid.affine @ [(array.shape[0] - 1) / 2, 0, 0, 1])[0]
    brain = brain.with_affine(middle @ brain.affine)
    assert doubts(brain, contrast(brain, "flair")) is None


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_a_channel_that_saw_part_of_the_brain_is_told(share):
    first, other = person(0), contrast(person(0), "flair")
    array = other.array.copy()
    array[:, :, int((1 - share) * array.shape[2]) :] = 0

    def notes(array):
        both = first.with_array(np.stack([first.array, array], -1))
        return SpatialChain(CHECK, ("t1", "flair"))(both)[1].notes

    assert notes(other.array) == ()
    missing = "brain is missing in the flair image: "
    assert any(missing in note and "upper part" in note for note in notes(array))


def test_a_flair_of_little_contrast_is_no_t1():
    # 0.91 as bright as white matter in a real FLAIR at 2 mm; T1s reach 0.86.
    levels = (0.0, 0.08, 0.3, 0.95, 1.0, 1.0)
    t1 = person(0)
    flair = t1.with_array(np.interp(t1.array, LEVELS, levels).astype(np.float32))
    assert kinds_of(flair) == ["flair"]


def kinds_of(volume):
    names = ("t1", "t1_ir", "flair")
    return [n for n in names if not contrast_doubts(volume, UNMOVED, ATLAS, n)]


def test_each_contrast_fits_one_channel_alone():
    assert kinds_of(person(0)) == ["t1"]
    assert kinds_of(contrast(person(0), "flair")) == ["flair"]
    for name in T1_IR:
        assert kinds_of(contrast(person(0), name)) == ["t1_ir"], name
    # Fluid is bright in a T2 as in a magnitude T1-IR, but grey matter not midway.
    assert kinds_of(contrast(person(0), "t2")) == []


def test_channels_that_medzoo_does_not_know_may_have_any_contrast():
    for name in CONTRASTS:
        assert contrast_doubts(contrast(person(0), name), UNMOVED, ATLAS, "pd") == []


@pytest.mark.parametrize("name", T1_IR)
def test_a_case_of_two_channels_is_told_in_its_notes(name):
    def notes(other):
        first = person(0)
        both = first.with_array(np.stack([first.array, other.array], -1))
        return SpatialChain(CHECK, ("t1", "t1_ir"))(both)[1].notes

    assert notes(contrast(person(0), name)) == ()
    assert any("two people" in note for note in notes(contrast(person(1), name)))
    plain = notes(person(0))
    assert any("are one image" in note for note in plain)
    assert any("atypical of T1-IR" in note for note in plain)


def pairs(folder):
    from medzoo.io import read

    with (folder / "ms_unlabelled/cases.csv").open(newline="") as file:
        rows = {row["case_id"]: row for row in csv.DictReader(file)}
    for name in ("patient04_study1", "patient03_study2"):
        row = rows[name]
        scans = [read(folder / "ms_unlabelled" / row[c]) for c in ("t1", "flair")]
        yield [v.with_array(np.asarray(v.array, np.float32)) for v in scans]


def test_real_scans_of_one_person_agree_and_those_of_two_do_not(realdata):
    scans = list(pairs(realdata))
    places = [register(t1, ATLAS) for t1, _ in scans]
    for index, (t1, flair) in enumerate(scans):
        own = resample_to(flair, Grid.of(t1))
        names = ("t1", "flair")
        assert agreement_doubts(t1, own, places[index], ATLAS, names) == []
        assert contrast_doubts(own, places[index], ATLAS, "flair") == []
        # The other's brain, laid where this one is as well as an affine map can.
        here, there = places[index].to_image, places[1 - index].to_image
        other = scans[1 - index][1]
        laid = other.with_affine(here @ np.linalg.inv(there) @ other.affine)
        laid = resample_to(laid, Grid.of(t1))
        found = agreement_doubts(t1, laid, places[index], ATLAS, names)
        assert len(found) == 1
        assert "two people" in found[0]
