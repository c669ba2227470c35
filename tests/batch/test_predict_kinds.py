"""What `medzoo.predict` takes, refuses and never does, on a small trained model."""

import json
import warnings
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from medzoo.batch.predict import predict
from medzoo.cli.main import main
from medzoo.errors import InputError, IntegrityError, MedzooWarning
from medzoo.files import sha256_of
from medzoo.io import read
from medzoo.zoo.golden import EXPECTED_FILE, write_expected
from medzoo.zoo.load import load
from medzoo.zoo.verify import verify


def test_no_input_is_lost(tmp_path, model_folder, scan, run_medzoo):
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1\na,{scan}\n")
    before = table.read_bytes()
    for more in ([], ["--overwrite"]):
        done = run_medzoo("predict", model_folder, "--cases", table, "-o", table, *more)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert table.read_bytes() == before


def test_python_takes_what_the_command_takes(tmp_path, model_folder, scan):
    (wanted,) = predict(model_folder, [scan])
    volume = read(scan)
    assert predict(model_folder, str(scan)) == [wanted]
    assert predict(model_folder, scan.parent)[0]["value"] == wanted["value"]
    for given in (volume, [volume], {"t1": volume}):
        (found,) = predict(model_folder, given, tmp_path / "out.csv", overwrite=True)
        assert found == {**wanted, "case_id": "scan"}


@pytest.mark.parametrize(
    "given", [None, [], {}, 3, np.zeros((3, 3, 3)), [None], (), "", " "]
)
def test_what_is_no_case_is_one_sentence(model_folder, given):
    with pytest.raises(InputError, match="Received: ") as caught:
        predict(model_folder, given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"output": 3},
        {"output": ""},
        {"output": "a\0.csv"},
        {"threads": 0},
        {"threads": "2"},
        {"threads": True},
        {"age": -3},
        {"age": "old"},
        {"age": float("nan")},
        {"sex": 7},
    ],
)
def test_arguments_that_mean_nothing_are_one_sentence(model_folder, scan, given):
    with pytest.raises(InputError, match="Received: ") as caught:
        predict(model_folder, [scan], **given)
    assert "\n" not in str(caught.value)


def test_threads_leave_the_warnings_as_they_were(model_folder, scan):
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: predict(model_folder, [scan]), range(8)))
    assert warnings.filters == before


def test_probabilities_where_there_are_none_are_refused(model_folder, scan, capsys):
    assert main(["predict", str(model_folder), str(scan), "--probabilities"]) == 2
    assert "--probabilities for tiny_age" in capsys.readouterr().err


def test_weights_of_nothing_that_the_network_has_are_refused(changed_model):
    folder = changed_model(lambda recipe: None)
    path = folder / "model.weights.h5"
    with h5py.File(path, "a") as file:
        file.create_dataset("more/vars/0", data=np.zeros(3, np.float32))
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    recipe["weights"].update(sha256=sha256_of(path), bytes=path.stat().st_size)
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    with pytest.raises(IntegrityError, match="nothing else"):
        load(folder)


def test_verify_compares_answers_where_it_is_asked_to(changed_model):
    folder = changed_model(lambda recipe: None)
    write_expected(load(folder), folder)
    (found,) = verify([str(folder)], answers=True)
    assert found.state == "ok", found.detail
    expected = json.loads((folder / EXPECTED_FILE).read_text())
    expected["outputs"][0][0] += 1.0
    (folder / EXPECTED_FILE).write_text(json.dumps(expected))
    assert verify([str(folder)])[0].state == "ok"
    (found,) = verify([str(folder)], answers=True)
    assert found.state == "fault"
    assert EXPECTED_FILE in found.detail
    for damaged in ("[]", "{}", "", '{"outputs": "x"}', '{"outputs": [[1], []]}'):
        (folder / EXPECTED_FILE).write_text(damaged)
        (found,) = verify([str(folder)], answers=True)
        assert found.state == "fault", damaged
        assert EXPECTED_FILE in found.detail


def test_half_precision_of_a_settings_file_changes_no_answer(model_folder, scan):
    import keras

    (wanted,) = predict(model_folder, [scan])
    # As keras.json does, before anything is built.
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    try:
        with pytest.warns(MedzooWarning, match="float16"):
            (found,) = predict(model_folder, [scan])
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    assert found["value"] == pytest.approx(wanted["value"], abs=1e-3)
