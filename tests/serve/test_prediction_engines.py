"""A predictor is kept for one engine: an explanation's is not that of a prediction."""

from types import SimpleNamespace

from medzoo.serve import prediction
from medzoo.serve.prediction import loaded


def test_each_engine_and_precision_has_a_predictor_of_its_own(monkeypatch):
    made = SimpleNamespace
    monkeypatch.setattr(prediction, "_PREDICTORS", type(prediction._PREDICTORS)())
    monkeypatch.setattr(
        prediction, "Predictor", lambda source, settings: made(settings=settings)
    )
    monkeypatch.setattr(
        prediction, "Settings", lambda engine, precision: (engine, precision)
    )
    wanted = [("keras", None), ("openvino", "bfloat16"), ("openvino", None)]
    first = [loaded("age", *one) for one in wanted]
    assert [one.settings for one in first] == wanted
    assert all(
        loaded("age", *one) is kept for one, kept in zip(wanted, first, strict=True)
    )
