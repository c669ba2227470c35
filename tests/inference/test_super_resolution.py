"""Where super-resolved voxels lie, in whatever way the input lies."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy import ndimage

from medzoo.errors import InputError, RecipeError, ResourceError
from medzoo.inference import super_resolution as module
from medzoo.inference.predict import predict_image
from medzoo.inference.settings import Settings
from medzoo.inference.super_resolution import SuperResolution, output_of, window_for
from medzoo.volume import Volume

FACTOR = (2, 2, 2)


def make_recipe(factor=FACTOR, spatial=None, postprocessing=()):
    orient = [{"step": "orient", "arguments": {"orientation": "RAS"}}]
    return {
        "task": "super_resolution",
        "name": "fine",
        "version": "1.0",
        "architecture": {"arguments": {"upsampling_factor": list(factor)}},
        "channels": [{"name": "t1", "required": True}],
        "preprocessing": {"spatial": spatial or orient, "layers": []},
        "postprocessing": list(postprocessing),
    }


def predicted(model, volume, recipe, uncertainty="interval"):
    """The `Prediction` of a network that is not one of Keras."""
    task = SuperResolution(recipe, lambda: model, Settings(uncertainty))
    return predict_image(volume, task.preprocess, task)


def fine_of(model, volume, recipe):
    return predicted(model, volume, recipe).image


class Interpolation:
    """Answers as a network does, but its answer is known: linear interpolation."""

    def __init__(self, factor=FACTOR, gain=1.0):
        self.factor = factor
        self.gain = gain
        self.shapes = []

    def predict_on_batch(self, batch):
        self.shapes.append(batch.shape)
        zoomed = [
            ndimage.zoom(
                x[..., 0], self.factor, order=1, mode="nearest", grid_mode=True
            )
            for x in batch
        ]
        return self.gain * np.stack(zoomed)[..., None]


def ramp(shape, affine):
    """A volume whose intensity is a linear function of the world, and that function."""
    slope = np.array([3.0, -2.0, 1.0])

    def at(affine, shape):
        index = np.stack(np.indices(shape), -1)
        return (index @ affine[:3, :3].T + affine[:3, 3]) @ slope + 500

    return Volume(at(affine, shape).astype("f4"), affine), at


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_world_positions_hold_in_every_order_of_axes(order, signs):
    turn = np.eye(3)
    turn[:2, :2] = [[0.96, -0.28], [0.28, 0.96]]
    affine = np.eye(4)
    affine[:3, :3] = turn @ (np.diag(signs) @ np.eye(3)[list(order)] * [1, 1.5, 4])
    affine[:3, 3] = 5, -20, 11
    volume, at = ramp((6, 7, 9), affine)

    fine = fine_of(Interpolation(), volume, make_recipe())

    assert fine.shape == (12, 14, 18)
    np.testing.assert_allclose(fine.spacing, np.array(volume.spacing) / 2)
    corner = np.array([-0.5, -0.5, -0.5, 1])
    np.testing.assert_allclose(fine.affine @ corner, volume.affine @ corner)
    inside = (slice(1, -1),) * 3
    np.testing.assert_allclose(
        fine.array[inside], at(fine.affine, fine.shape)[inside], atol=0.05
    )


def test_axes_keep_their_own_factor_when_they_are_reordered():
    affine = np.array([[0, 0, -1.0, 0], [2, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1]])
    volume, at = ramp((5, 6, 8), affine)
    # The network's axes are those of the RAS volume: input axis 2, 0 and 1.
    model = Interpolation((1, 4, 2))

    fine = fine_of(model, volume, make_recipe((1, 4, 2)))

    assert fine.shape == (20, 12, 8)
    np.testing.assert_allclose(
        fine.array[2:-2, 1:-1], at(fine.affine, fine.shape)[2:-2, 1:-1], atol=0.02
    )


def test_large_volumes_go_through_in_windows(monkeypatch):
    monkeypatch.setattr(module, "WINDOWS", (8,))
    rng = np.random.default_rng(0)
    # Smooth, so that what a window does not see hardly matters.
    array = ndimage.gaussian_filter(rng.random((11, 21, 13)), 1.5).astype("f4")
    volume = Volume(array, np.diag([-1.0, 1, 1, 1]))
    model = Interpolation()

    fine = fine_of(model, volume, make_recipe()).array

    assert len(model.shapes) > 8
    assert set(model.shapes) == {(1, 8, 8, 8, 1)}
    whole = ndimage.zoom(array, 2, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(fine, whole, atol=0.02)
    assert np.abs(fine - whole).mean() < 1e-3


def test_intensities_come_back_in_their_own_unit_and_not_below_zero():
    rng = np.random.default_rng(0)
    array = rng.random((6, 6, 6)).astype("f4")
    small = Volume(array, np.eye(4))
    large = Volume(5000 * array, np.eye(4))
    shifted = Volume(array - 10, np.eye(4))
    zoomed = ndimage.zoom(array, 2, order=1, mode="nearest", grid_mode=True)

    def run(volume, **kwargs):
        return fine_of(Interpolation(**kwargs), volume, make_recipe()).array

    np.testing.assert_allclose(run(small), zoomed, atol=1e-5)
    np.testing.assert_allclose(run(large), 5000 * zoomed, rtol=1e-4)
    np.testing.assert_allclose(run(shifted), zoomed - 10, atol=1e-4)
    assert run(small, gain=-1.0).min() == 0
    assert run(shifted, gain=-3.0).min() < -10


def test_mirrored_answers_are_averaged():
    class Shift(Interpolation):
        def predict_on_batch(self, batch):
            return np.roll(super().predict_on_batch(batch), 1, axis=1)

    batch = np.random.default_rng(0).random((1, 4, 5, 6, 1)).astype("f4")
    plain = Interpolation().predict_on_batch(batch)

    found = output_of(Shift().predict_on_batch, batch, {"axis": 0})

    expected = (np.roll(plain, 1, axis=1) + np.roll(plain, -1, axis=1)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_warnings_of_the_input_are_handed_on():
    volume = Volume(np.ones((4, 4, 4), "f4"), np.eye(4), warnings=("doubtful",))

    found = predicted(Interpolation(), volume, make_recipe())

    assert "doubtful" in found.warnings
    np.testing.assert_allclose(found.image.array, 1, rtol=1e-5)


def test_memory_is_planned_before_work_begins():
    assert window_for((30, 22, 40), (4, 4, 4)) == (30, 22, 40)
    assert window_for((60, 64, 80), (4, 4, 4)) == (60, 64, 64)
    # Narrower windows where the section is large.
    assert max(window_for((200, 200, 200), (4, 4, 4))) < 64
    with pytest.raises(ResourceError, match=r"1024.*4\.3 GB for the result"):
        window_for((256, 256, 256), (4, 4, 4))


def test_other_grids_and_numbers_that_are_not_finite_are_refused():
    volume = Volume(np.ones((6, 6, 6), "f4"), np.eye(4))
    moved = [{"step": "resample", "arguments": {"spacing": 2.0}}]
    with pytest.raises(RecipeError, match="only reorder"):
        fine_of(Interpolation(), volume, make_recipe(spatial=moved))
    with pytest.raises(InputError, match="NaN or Inf"):
        fine_of(Interpolation(gain=np.nan), volume, make_recipe())


class Leaning(Interpolation):
    """Interpolation that gets brighter along the last axis of its window."""

    def predict_on_batch(self, batch):
        found = super().predict_on_batch(batch)
        return found + np.linspace(-1, 1, found.shape[3])[None, None, None, :, None]


def test_uncertainty_is_where_mirror_images_differ():
    turned = np.array([[0, 3, 0, 5], [-2, 0, 0, 7], [0, 0, 1, 9], [0, 0, 0, 1.0]])
    image, _ = ramp((9, 8, 7), turned)
    recipe = make_recipe(postprocessing=[{"step": "spread", "arguments": {"scale": 3}}])

    even = predicted(Interpolation(), image, recipe, "tta")
    some = predicted(Leaning(), image, recipe, "tta").uncertainty
    even, none = even.image, even.uncertainty

    np.testing.assert_array_equal(
        even.array, fine_of(Interpolation(), image, recipe).array
    )
    assert some.shape == even.shape == (18, 16, 14)
    np.testing.assert_array_equal(some.affine, even.affine)
    height = image.array.max() - image.array.min()
    assert none.array.max() < 1e-3 * height
    # One output of four is mirrored along z: v, v, v, -v deviate by sqrt(3) / 2 v.
    along = some.array.mean((0, 1))
    np.testing.assert_allclose(along, along[::-1], rtol=1e-3)
    ratio = along[0] / along[4]
    lean = np.abs(np.linspace(-1, 1, 14))
    assert ratio == pytest.approx(lean[0] / lean[4], rel=1e-3)


def test_a_standardised_scan_is_worked_on_from_its_background():
    index = np.stack(np.indices((20, 22, 18)), -1) - (9.5, 10.5, 8.5)
    inside = np.linalg.norm(index, axis=-1) < 7
    # From fluid to bright tissue, as in a stripped T1.
    head = np.where(inside, 224 + 25 * index[..., 0], 0)
    mean, deviation = head[inside].mean(), head[inside].std()
    given = np.where(inside, (head - mean) / deviation, 0)
    volumes = [Volume(a.astype("f4"), np.eye(4)) for a in (head, given)]
    network = Interpolation(gain=1.5)
    fine, standardised = (fine_of(network, v, make_recipe()) for v in volumes)

    # A network that exaggerates does so from the background, not from the mean.
    expected = (fine.array - mean) / deviation
    core = ndimage.binary_erosion(inside, iterations=2).repeat(2, 0)
    core = core.repeat(2, 1).repeat(2, 2)
    worst = np.abs(standardised.array - expected)[core].max()
    # Taken as it is, it would be 1.4 off.
    assert worst < 0.6
    outside = ~inside.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert np.abs(standardised.array[outside]).max() == 0
