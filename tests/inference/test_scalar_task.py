"""Standard deviations of values and classes; asking for one changes no prediction."""

from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.inference import scalar_task
from medzoo.inference.classification import Classification
from medzoo.inference.predict import predict_volume
from medzoo.inference.spread import SHIFTS
from medzoo.models import Ensemble3D
from tests.training.conftest import tiny_recipe


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

    assert plain.uncertainty is plain.familiarity is None
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


def test_none_leaves_the_interval_out(head_phantom):
    recipe = tiny_recipe()
    ends = {"coverage": 0.5, "lower": -8.0, "upper": 6.0}
    recipe["postprocessing"] = [{"step": "interval", "arguments": ends}]
    model = Ensemble3D(**recipe["architecture"]["arguments"], recipe=recipe)
    image = head_phantom(spacing=12.0)

    usual = model.predict_volume(image)
    plain = model.predict_volume(image, uncertainty=None)

    assert usual.interval == (usual.value - 8, usual.value + 6)
    assert (plain.value, plain.interval) == (usual.value, None)
    assert model.predict_volume(image, uncertainty="interval") == usual


def test_the_deviation_is_of_the_class_that_the_prediction_names(monkeypatch):
    """As it is the scan is barely of class a, shifted it is surely of class b."""
    outputs = [np.log([0.51, 0.2, 0.29]), *[np.log([0.1, 0.8, 0.1])] * len(SHIFTS)]
    calls = iter(outputs)
    monkeypatch.setattr(
        scalar_task, "output_of_network", lambda *given: np.array(next(calls))
    )
    task = object.__new__(Classification)
    task._load, task.recipe = lambda: None, {"class_names": ["a", "b", "c"]}
    task.normalize = lambda batch: batch
    task.settings = SimpleNamespace(uncertainty="tta", engine_of=lambda model: None)

    found = task._spread(np.zeros((4, 4, 4, 1)), outputs[0])

    assert task.fields(outputs[0], 1.0)["label"] == "a"
    shares = [0.51, *[0.1] * len(SHIFTS)]
    assert found == pytest.approx(np.std(shares))
