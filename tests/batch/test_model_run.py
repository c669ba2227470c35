"""Several models on the same cases: what they share is done once."""

from medzoo.batch import shared_reader
from medzoo.batch.listener import Listener
from medzoo.batch.predict import predict
from medzoo.io import write
from tests.conftest import make_head


def counted(monkeypatch, place, name):
    """The first arguments that a function is called with from now on."""
    calls, function = [], getattr(place, name)

    def count(first, *arguments, **keywords):
        calls.append(str(first))
        return function(first, *arguments, **keywords)

    monkeypatch.setattr(place, name, count)
    return calls


def test_each_scan_is_read_once(models, tmp_path, monkeypatch):
    paths = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    for path in paths:
        write(make_head(8.0, noise=1.0), path)
    read = counted(monkeypatch, shared_reader, "read_quietly")

    records = predict([models["tiny_age"], models["tiny_sex"]], paths)

    assert sorted(read) == [str(path) for path in paths]
    assert [sorted(one["models"]) for one in records] == [["tiny_age", "tiny_sex"]] * 2


def test_model_files_are_read_hashed_and_scanned_once(models, tmp_path, monkeypatch):
    from medzoo.zoo import checked_model, resolve, weights

    write(make_head(8.0), tmp_path / "a.nii.gz")
    recipes = counted(monkeypatch, resolve, "read_recipe")
    hashed = counted(monkeypatch, weights, "sha256_of")
    scanned = counted(monkeypatch, checked_model, "scan_hdf5")

    (record,) = predict(models["tiny_age"], tmp_path / "a.nii.gz")

    assert "value" in record
    assert (len(recipes), len(hashed), len(scanned)) == (1, 1, 1)


def test_a_listener_is_told_of_each_result_as_it_comes(models, tmp_path):
    write(make_head(8.0), tmp_path / "a.nii.gz")
    said = []

    class Log(Listener):
        def begin(self, models, cases):
            said.append((models[0].recipe.name, [case.case_id for case in cases]))

        def result(self, model, result):
            said.append((model, result.record))

    given = [tmp_path / "a.nii.gz", tmp_path / "no.nii"]
    records = predict(models["tiny_age"], given, listener=Log())

    assert said[0] == ("tiny_age", ["a", "no"])
    assert said[1:] == [("tiny_age", record) for record in records]
