import warnings

import nibabel
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medzoo.errors import GeometryError, InputError, MedzooWarning
from medzoo.io import read

ARRAY = np.zeros((20, 20, 20), "u1")
BOTH = {"qform_code": 1, "sform_code": 1}


def srow(diagonal=(1, 2, 3), offset=(-5, -6, -7)):
    return np.column_stack([np.diag(diagonal), offset]).ravel().astype(float)


def test_sform_goes_before_qform(save):
    path = save("a.nii", ARRAY, qform_code=1, sform_code=2, srow=srow(offset=(9, 9, 9)))

    assert read(path).origin == (9, 9, 9)


def test_qform_alone(save):
    path = save("a.nii", ARRAY, qform_code=1, sform_code=0, srow=np.zeros(12))

    volume = read(path)

    assert volume.spacing == (1, 2, 3)
    assert volume.origin == (-5, -6, -7)


@given(seed=st.integers(0, 2**32 - 1), flipped=st.booleans())
def test_qform_agrees_with_nibabel(seed, flipped):
    from medzoo.io.nifti_geometry import nifti_affine

    rng = np.random.default_rng(seed)
    quaternion = rng.normal(size=4)
    quaternion /= np.linalg.norm(quaternion) * np.sign(quaternion[0])
    # Near half a turn nibabel and nifti1_io.c round differently; see below.
    assume(quaternion[0] > 1e-2)
    header = nibabel.Nifti1Header()
    header["pixdim"][:4] = [-1 if flipped else 1, *rng.uniform(0.1, 5, 3)]
    for name, value in zip(
        ("quatern_b", "quatern_c", "quatern_d", "qoffset_x"),
        [*quaternion[1:], 12.5],
        strict=True,
    ):
        header[name] = value
    header["qform_code"] = 1

    affine, found = nifti_affine(header.structarr, (2, 2, 2), "a.nii")

    np.testing.assert_allclose(affine, header.get_qform(), atol=2e-5)
    assert found == []


@pytest.mark.parametrize("length", [1 - 1e-8, 1, 1 + 1e-6])
def test_half_a_turn_survives_single_precision(save, length):
    axis = np.array([1, 2, 2]) / 3
    path = save("a.nii", ARRAY, qform_code=1, sform_code=0, quatern=axis * length)

    expected = 2 * np.outer(axis, axis) - np.eye(3)
    volume = read(path)

    np.testing.assert_allclose(volume.direction, expected, atol=1e-6)
    np.testing.assert_allclose(volume.spacing, (1, 2, 3), rtol=1e-9)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("code", "factor"), [(1, 1000), (2, 1), (3, 0.001), (0, 1)])
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_units(save, version, code, factor, form):
    size = np.array([1, 2, 3]) / factor
    path = save(
        "a.nii",
        ARRAY,
        version=version,
        xyzt_units=code | 8,
        qform_code=int(form == "qform"),
        sform_code=int(form == "sform"),
        pixdim=[1, *size, 0, 0, 0, 0],
        qoffset=np.array([4, 5, 6]) / factor,
        srow=srow(size, np.array([4, 5, 6]) / factor),
    )

    volume = read(path)

    np.testing.assert_allclose(volume.spacing, (1, 2, 3), rtol=1e-6)
    np.testing.assert_allclose(volume.origin, (4, 5, 6), rtol=1e-6)


def test_shear_in_sform_is_kept(save):
    row = srow()
    row[1] = 0.7

    assert read(save("a.nii", ARRAY, srow=row)).affine[0, 1] == np.float32(0.7)


@pytest.mark.parametrize("distance", [0.05, 0.15])
def test_conflict_in_one_space_warns_above_a_tenth_of_a_millimetre(save, distance):
    path = save("a.nii", ARRAY, **BOTH, srow=srow(offset=(-5 + distance, -6, -7)))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = read(path)

    assert len(caught) == int(distance > 0.1) == len(volume.warnings)
    assert volume.origin[0] == pytest.approx(-5 + distance, abs=1e-5)
    if caught:
        assert caught[0].category is MedzooWarning
        assert "distance=0.15 mm" in str(caught[0].message)


def test_rotation_counts_at_the_far_corner(save):
    angle = np.deg2rad(0.3)  # 0.1 mm at 19 mm, but 0.3 mm at the corner, 57 mm away
    row = srow()
    row[[1, 2]] = 0
    row[[5, 6, 9, 10]] = [
        2 * np.cos(angle), -3 * np.sin(angle), 2 * np.sin(angle), 3 * np.cos(angle)
    ]  # fmt: skip

    with pytest.warns(MedzooWarning, match="at a corner"):
        read(save("a.nii", ARRAY, **BOTH, srow=row))


def test_different_codes_may_differ_in_place(save):
    path = save(
        "a.nii", ARRAY, qform_code=1, sform_code=4, srow=srow(offset=(90, 0, 0))
    )

    assert read(path).warnings == ()


@pytest.mark.parametrize("codes", [(1, 1), (1, 4)])
@pytest.mark.parametrize(
    ("diagonal", "is_fine"),
    [((-1, 2, 3), False), ((-1, -2, 3), True), ((1.02, 2, 3), False),
     ((1.005, 2, 3), True)],
)  # fmt: skip
def test_handedness_and_spacing_must_agree(save, codes, diagonal, is_fine):
    path = save(
        "a.nii", ARRAY, qform_code=codes[0], sform_code=codes[1], srow=srow(diagonal)
    )

    if is_fine:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MedzooWarning)
            assert read(path).spacing[0] == pytest.approx(abs(diagonal[0]))
    else:
        with pytest.raises(GeometryError, match=r"handedness.*a\.nii. Received"):
            read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"srow": [np.nan] * 12},
        {"srow": [0] * 12},
        {"srow": srow((1, 1, 0))},
        {"srow": srow((1, 1, 2000))},
        {"srow": srow((1, 1, 1), (np.inf, 0, 0))},
        {"sform_code": 0, "qform_code": 1, "pixdim": [1, 0, 1, 1, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "pixdim": [1, -1, 1, 1, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "pixdim": [1, np.nan, 1, 1, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "quatern": [1, 1, 0]},
        {"sform_code": 0, "qform_code": 1, "quatern": [np.nan, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "qoffset": [np.nan, 0, 0]},
        {"xyzt_units": 1, "srow": srow((2, 2, 2))},
    ],
    ids=str,
)
def test_refuses_impossible_forms(save, changes):
    with pytest.raises(GeometryError, match=r" in .*a\.nii\. Received: [^\n]*$"):
        read(save("a.nii", ARRAY, **changes))


def test_neither_form_needs_an_assumption(save):
    path = save("a.nii", ARRAY, sform_code=0)

    with pytest.raises(GeometryError, match="assume_affine"):
        read(path)
    assert read(path, assume_affine=2).spacing == (2, 2, 2)
    assert read(path, assume_affine=(1, 2, 3)).spacing == (1, 2, 3)


def test_assumption_does_not_replace_a_form(save):
    assert read(save("a.nii", ARRAY), assume_affine=9).spacing == (1, 2, 3)


@pytest.mark.parametrize("value", [0, -1, np.nan, "x", (1, 2), 5000, [[1]] * 4])
def test_refuses_impossible_assumptions(save, value):
    with pytest.raises(InputError, match="assume_affine"):
        read(save("a.nii", ARRAY, sform_code=0), assume_affine=value)
