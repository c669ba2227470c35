"""What no function on scans takes: one sentence, and no traceback of a library."""

import numpy as np
import pytest

from medzoo import preprocessing as prep
from medzoo.errors import GeometryError, InputError
from medzoo.spatial import Grid
from medzoo.spatial.scan_checks import check_image, check_mask, check_numbers
from medzoo.volume import Volume

SCALARS = (
    prep.n4,
    prep.bias_field,
    prep.denoise,
    prep.noise_level,
    prep.white_stripe,
    prep.brain_mask,
    prep.deface,
    prep.register,
    lambda scan: prep.histogram_match(scan, scan),
)
SCALES = (prep.zscore, prep.rescale, prep.ct_window)


@pytest.mark.parametrize("function", [*SCALARS, *SCALES])
def test_paths_arrays_and_nan_are_refused(function, head_phantom):
    head = head_phantom(8.0)
    for given in ("scan.nii.gz", head.array, None):
        with pytest.raises(InputError, match=r"must be a medzoo\.Volume"):
            function(given)
    array = np.array(head.array, np.float32)
    array[3, 3, 3] = np.nan
    with pytest.raises(InputError, match="finite"):
        function(head.with_array(array))


@pytest.mark.parametrize("function", SCALARS)
def test_channels_are_refused_where_one_is_meant(function, head_phantom):
    head = head_phantom(8.0)
    for count in (1, 2):
        with pytest.raises(InputError, match="one channel"):
            function(head.with_array(np.stack([head.array] * count, -1)))


@pytest.mark.parametrize("function", [prep.zscore, prep.white_stripe, prep.field_range])
def test_masks_lie_on_the_grid_and_mark_something(function, head_phantom):
    head = head_phantom(8.0)
    mask = head.with_array(head.array > 90)
    moved = np.array(head.affine)
    moved[0, 3] += 5
    for other in (Volume(mask.array, moved), Volume(mask.array[:-1], head.affine)):
        with pytest.raises(GeometryError, match="grid of the"):
            function(head, other)
    with pytest.raises(InputError, match="above 0"):
        function(head, head.with_array(np.zeros(head.shape)))
    with pytest.raises(InputError, match=r"medzoo\.Volume"):
        function(head, mask.array)


def test_masks_of_n4_and_register_are_checked(head_phantom):
    head = head_phantom(8.0)
    twice = head.with_array(np.ones((*head.shape, 2)))
    for mask in (twice, head.with_array(np.zeros(head.shape))):
        with pytest.raises(InputError, match="A mask must"):
            prep.n4(head, mask)
        with pytest.raises(InputError, match="A mask must"):
            prep.register(head, head, mask=mask)


def test_the_checks_let_scans_pass(head_phantom):
    head = head_phantom(8.0)
    check_image("volume", head)
    check_numbers("volume", head.with_array(np.stack([head.array] * 2, -1)))
    check_mask(head.with_array(head.array > 90), head)


@pytest.mark.parametrize(
    "options",
    [
        {"spacing": 0}, {"spacing": -1}, {"spacing": float("nan")}, {"spacing": "6"},
        {"iterations": ()}, {"iterations": 10}, {"iterations": (0,)},
        {"iterations": (1.5,)},
    ],
)  # fmt: skip
def test_n4_refuses_options_without_meaning(options, head_phantom):
    with pytest.raises(InputError, match=next(iter(options))):
        prep.n4(head_phantom(8.0), **options)


def test_a_single_slice_has_no_bias_field(head_phantom):
    head = head_phantom(8.0)
    with pytest.raises(InputError, match="2 voxels along each axis"):
        prep.n4(Volume(head.array[:, :, 8:9], head.affine))


@pytest.mark.parametrize("given", [(0, 0), (0, float("nan")), (0,), "ab", None])
def test_ranges_are_two_different_numbers(given, head_phantom):
    head = head_phantom(8.0)
    with pytest.raises(InputError, match="out_range"):
        prep.rescale(head, out_range=given)
    if given is not None:
        with pytest.raises(InputError, match="out_range"):
            prep.ct_window(head, out_range=given)
    if given != (0, 0):
        with pytest.raises(InputError, match="percentiles"):
            prep.rescale(head, percentiles=given)


def test_apply_refuses_what_it_cannot_draw(head_phantom):
    head = head_phantom(8.0)
    way, grid = prep.Transform([np.eye(4)]), Grid.of(head)
    with pytest.raises(InputError, match="transform"):
        prep.apply("t.h5", head)
    with pytest.raises(InputError, match=r"medzoo\.Volume"):
        prep.apply(way, "a.nii.gz", grid=grid)
    with pytest.raises(InputError, match="grid"):
        prep.apply(way, head, grid=head.shape)
    with pytest.raises(InputError, match="background"):
        prep.apply(way, head, grid=grid, background=float("nan"))
    labels = head.with_array((head.array > 90).astype(np.uint8))
    for level in (-1, 300):
        with pytest.raises(InputError, match="uint8"):
            prep.apply(way, labels, grid=grid, labels=True, background=level)
    with pytest.raises(InputError, match="Points"):
        way.points(np.zeros(4))
    with pytest.raises(InputError, match="part of a transform"):
        prep.Transform(["t.h5"])
    for shape, value in (((2, 4, 4, 3), 0.0), ((4, 4, 4, 3), np.nan)):
        with pytest.raises(InputError, match="displacement field"):
            prep.Transform([Volume(np.full(shape, value), np.eye(4))])
    with pytest.raises(InputError, match="transform"):
        prep.deface(head, "mni152")
