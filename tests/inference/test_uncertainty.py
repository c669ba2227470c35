"""Uncertainty: what makes answers differ, and that asking does not change them."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.inference.predict import predict_volume
from medzoo.inference.reconstruct import reconstruct, reconstruction_spread
from medzoo.inference.spread import shifted
from medzoo.inference.super_resolve import super_resolve
from medzoo.inference.uncertainty import entropy_of
from medzoo.models import Ensemble3D
from tests.inference.test_reconstruct import identity, preprocessor, scan
from tests.inference.test_super_resolve import Interpolation, make_recipe, ramp
from tests.training.conftest import tiny_recipe

TURNED = np.array([[0, 3, 0, 5], [-2, 0, 0, 7], [0, 0, 1, 9], [0, 0, 0, 1.0]])


@pytest.fixture(scope="module", params=["regression", "classification"])
def ensemble(request):
    recipe = tiny_recipe()
    recipe["postprocessing"] = recipe["postprocessing"][:1]
    if request.param == "classification":
        recipe |= {"task": "classification", "class_names": ["a", "b"]}
        del recipe["unit"]
        member = recipe["architecture"]["arguments"]["member"]["arguments"]
        member |= {"num_classes": 2, "output_scale": 1.0, "output_offset": 0.0}
    return Ensemble3D(**recipe["architecture"]["arguments"], recipe=recipe)


@pytest.mark.parametrize("kind", ["tta", "ensemble"])
def test_numbers_keep_their_value_and_get_a_deviation(ensemble, kind, head_phantom):
    image = head_phantom(spacing=12.0)

    plain = ensemble.predict_volume(image)
    found = ensemble.predict_volume(image, uncertainty=kind)

    assert plain.uncertainty is None
    assert found.uncertainty > 0
    answer = {**found.to_dict()}
    assert answer.pop("uncertainty") == round(found.uncertainty, 4)
    assert answer == plain.to_dict()


def test_spread_of_an_ensemble_is_that_of_its_members(head_phantom):
    recipe = tiny_recipe()
    recipe["postprocessing"] = []
    model = Ensemble3D(**recipe["architecture"]["arguments"], recipe=recipe)
    image = head_phantom(spacing=12.0)
    x = model.preprocessor.normalize(
        model.preprocessor.place(model.preprocessor.gather(image))[0].array[None]
    )
    answers = [float(np.asarray(member(x))[0, 0]) for member in model.members]

    found = model.predict_volume(image, uncertainty="ensemble")

    assert found.uncertainty == pytest.approx(np.std(answers), rel=1e-3)
    assert found.value == pytest.approx(np.mean(answers), rel=1e-4)


def test_kinds_that_a_task_or_a_network_has_not_are_refused(ensemble, head_phantom):
    image = head_phantom(spacing=12.0)
    with pytest.raises(InputError, match="uncertainty='entropy'"):
        ensemble.predict_volume(image, uncertainty="entropy")
    single = ensemble.members[0]
    single = type(single)(**{**single.get_config(), "recipe": ensemble.recipe})
    with pytest.raises(InputError, match="uncertainty='tta'"):
        predict_volume(single, image, uncertainty="ensemble")


def test_shifted_moves_by_whole_voxels():
    array = np.random.default_rng(0).normal(size=(4, 5, 3, 2))
    moved = shifted(array, (1, 0, -1))
    np.testing.assert_array_equal(moved[1:, :, :-1], array[:-1, :, 1:])
    np.testing.assert_array_equal(moved[0, :, :-1], array[0, :, 1:])


def test_entropy_is_a_share_of_the_largest():
    np.testing.assert_allclose(
        entropy_of(np.array([[0.5, 0.5], [1.0, 0.0]])), [1, 0], atol=1e-6
    )


class Leaning(Interpolation):
    """Interpolation that gets brighter along the last axis of its window."""

    def predict_on_batch(self, batch):
        found = super().predict_on_batch(batch)
        return found + np.linspace(-1, 1, found.shape[3])[None, None, None, :, None]


def test_super_resolution_tells_where_mirror_images_differ():
    image, _ = ramp((9, 8, 7), TURNED)
    recipe = make_recipe(postprocessing=[{"step": "spread", "arguments": {"scale": 3}}])

    even, none = super_resolve(Interpolation(), image, recipe, spread=True)
    _, some = super_resolve(Leaning(), image, recipe, spread=True)

    np.testing.assert_array_equal(
        even.array, super_resolve(Interpolation(), image, recipe).array
    )
    assert some.shape == even.shape == (18, 16, 14)
    np.testing.assert_array_equal(some.affine, even.affine)
    height = image.array.max() - image.array.min()
    assert none.array.max() < 1e-3 * height
    # One answer of four is mirrored along z: v, v, v, -v deviate by sqrt(3) / 2 v.
    along = some.array.mean((0, 1))
    np.testing.assert_allclose(along, along[::-1], rtol=1e-3)
    ratio = along[0] / along[4]
    lean = np.abs(np.linspace(-1, 1, 14))
    assert ratio == pytest.approx(lean[0] / lean[4], rel=1e-3)


def test_reconstruction_tells_what_depends_on_the_place():
    image, prepare = scan(), preprocessor()
    placed, undo = prepare.place(prepare.gather(image))
    model = identity()

    none = reconstruction_spread(model, placed, undo, prepare)
    kernel = model.decoder.get_layer("linear_unblocks")
    # Voxels of the grid's lower half are made twice as bright, whatever they show.
    gain = np.where(np.arange(6) < 3, 2.0, 1.0).reshape(6, 1, 1, 1, 1)
    kernel.set_weights([kernel.get_weights()[0] * gain.astype("float32")])
    some = reconstruction_spread(model, placed, undo, prepare, scale=2.0)
    plain = reconstruct(model, placed, undo, prepare).image

    assert some.shape == plain.shape == image.shape
    np.testing.assert_array_equal(some.affine, image.affine)
    inside = undo(np.pad(np.ones((4, 6, 2)), 1), interpolation="nearest").array > 0
    assert none.array[inside].max() < 1e-2 * image.array.std()
    assert some.array[inside].max() > 0.2 * image.array.std()
