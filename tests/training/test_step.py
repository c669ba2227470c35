"""How a step of training is made: accumulated, in less precision, in less memory."""

import json
import re

import keras
import numpy as np
import pytest

from medzoo.cli.main import main
from medzoo.data.feeds.dataset import dataset
from medzoo.data.feeds.prefetch import Prefetch
from medzoo.errors import InputError, RecipeError
from medzoo.models import ResNet3D
from medzoo.training.epochs import Epochs
from medzoo.training.fit import fit
from medzoo.training.optimizer import keeps_average, make_optimizer
from medzoo.training.settings import TrainingSettings, with_step
from medzoo.zoo.load import load
from tests.training.conftest import single_network, without_augmentation


def single(make_recipe, **training):
    """A recipe of one network without batch normalisation or dropout."""
    recipe = single_network(
        make_recipe(**training), normalization="instance", dropout_rate=0.0
    )
    return without_augmentation(recipe)


@pytest.mark.parametrize(("given", "used"), [(None, 0.99), (0, 0), (0.9, 0.9)])
def test_a_momentum_of_zero_is_one(make_recipe, given, used):
    settings = TrainingSettings.from_recipe(make_recipe(ema_momentum=given))
    optimizer = make_optimizer(settings, 4)
    assert optimizer.use_ema is (given is not None)
    assert optimizer.ema_momentum == used


def agree(one, other, **tolerance):
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, **tolerance)


def trained_on(batches, settings, steps_per_epoch):
    keras.utils.set_random_seed(0)
    model = ResNet3D(
        (8, 8, 8, 1),
        num_classes=1,
        filters=(3, 4),
        strides=((1, 1, 1), (2, 2, 2)),
        normalization="instance",
    )
    model.compile(make_optimizer(settings, steps_per_epoch), "mse")
    rates = []
    for images, targets in batches:
        rates.append(float(model.optimizer.learning_rate))
        model.train_on_batch(images, targets)
    raw = model.get_weights()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return model, raw, rates


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.usefixtures("eagerly")
def test_accumulated_batches_make_the_step_of_one_large_batch(dtype):
    generator = np.random.default_rng(0)
    images = generator.normal(size=(24, 8, 8, 8, 1)).astype("float32")
    targets = images.mean(axis=(1, 2, 3)) + 1
    # Clipping and the moving average of the weights see whole steps as well.
    common = {"epochs": 4, "learning_rate": 0.03, "warmup_epochs": 1.0}
    common |= {"clip_norm": 0.5, "ema_momentum": 0.6, "weight_decay": 0.1}
    large = TrainingSettings(**common, dtype=dtype)
    small = TrainingSettings(**common, dtype=dtype, gradient_accumulation=3)
    whole = [(images[i : i + 6], targets[i : i + 6]) for i in range(0, 24, 6)]
    thirds = [(images[i : i + 2], targets[i : i + 2]) for i in range(0, 24, 2)]
    one, one_raw, rates = trained_on(2 * whole, large, 2)
    other, other_raw, more_rates = trained_on(2 * thirds, small, 6)
    np.testing.assert_allclose(np.repeat(rates, 3), more_rates, rtol=1e-6)
    assert len(set(np.round(rates, 7))) == len(rates)
    agree(one, other, rtol=1e-3, atol=2e-5)
    for first, second in zip(one_raw, other_raw, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=2e-5)
    assert keeps_average(one.optimizer)
    assert keeps_average(other.optimizer)
    moved = [np.abs(a - b).max() for a, b in zip(one_raw, one.get_weights())]  # noqa: B905
    assert max(moved) > 1e-3


@pytest.mark.parametrize(
    "training",
    [
        {"gradient_accumulation": 2, "ema_momentum": 0.5},
        pytest.param(
            {
                "gradient_accumulation": 2,
                "dtype": "mixed_float16",
                "rematerialize": True,
            },
            marks=pytest.mark.extended,
        ),
    ],
    ids=["averaged", "float16"],
)
@pytest.mark.usefixtures("eagerly")
def test_training_resumes_in_the_midst_of_an_accumulated_step(
    tmp_path, study, make_recipe, training
):
    recipe = without_augmentation(single_network(make_recipe(**training)))
    # Three batches an epoch: every other epoch ends between two steps.
    assert len(dataset(study, recipe, seed=5)) == 3
    straight = fit(recipe, dataset(study, recipe, seed=5), tmp_path / "a", workers=2)

    class StoppedError(Exception):
        pass

    def stop(line):
        if line.startswith("epoch 3"):
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(recipe, dataset(study, recipe, seed=5), tmp_path / "b", log=stop)
    resumed = fit(recipe, dataset(study, recipe, seed=5), tmp_path / "b")
    agree(straight, resumed, rtol=0)


def test_epochs_train_as_keras_fit_does(study, make_recipe):
    recipe = single(make_recipe)
    models = []
    for own in (True, False):
        keras.utils.set_random_seed(1)
        model = ResNet3D(**recipe["architecture"]["arguments"])
        optimizer = keras.optimizers.SGD(1e-3, use_ema=True, ema_momentum=0.5)
        model.compile(optimizer, "mae", metrics=["mae"])
        data = dataset(study, recipe, seed=2)
        if own:
            history = keras.callbacks.History()
            Epochs(model, Prefetch(data, workers=2)).run(0, 2, [history])
        else:
            history = model.fit(data, epochs=2, shuffle=False, verbose=0)
        models.append((model, history.history, data.epoch))
    (one, first, epoch), (other, second, other_epoch) = models
    agree(one, other, rtol=1e-3, atol=1e-5)
    assert first.keys() == second.keys()
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-5)
    assert epoch == other_epoch == 3


@pytest.mark.usefixtures("eagerly")
def test_the_log_tells_how_long_steps_waited(tmp_path, study, make_recipe):
    recipe = single(make_recipe, epochs=2)
    lines = []
    fit(recipe, dataset(study, recipe), tmp_path, log=lines.append)
    pattern = r"epoch \d/2: .*, ([0-9.]+) s, of which ([0-9.]+) s waiting for input$"
    found = [re.match(pattern, line).groups() for line in lines]
    assert len(found) == 2
    assert all(0 <= float(wait) <= float(total) for total, wait in found)


def test_arguments_replace_the_recipes_settings(recipe):
    changed = with_step(recipe, precision="mixed_bfloat16", accumulate=4)
    settings = TrainingSettings.from_recipe(changed)
    assert settings.dtype == "mixed_bfloat16"
    assert settings.gradient_accumulation == 4
    assert not settings.rematerialize
    assert with_step(recipe) is recipe
    with pytest.raises(InputError, match="precision='half'"):
        with_step(recipe, precision="half")
    with pytest.raises(InputError, match="accumulate=0"):
        with_step(recipe, accumulate=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gradient_accumulation": 0},
        {"rematerialize": "yes"},
        {"epochs": 10**30},
        {"learning_rate": -1e-3},
        {"weight_decay": 1e308},
        {"final_fraction": 2},
        {"clip_norm": 0},
        {"ema_momentum": 1.0},
        {"seed": -1},
        {"dtype": "float16"},
        {"patch_size": [8, 8]},
        {"patch_size": [8, 8, "8"]},
        {"patch_size": [8, 8, 10**9]},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(recipe, wrong):
    recipe["training"].update(wrong)
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        TrainingSettings.from_recipe(recipe)


def written(recipe, folder):
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return folder


@pytest.mark.usefixtures("eagerly", "pictures")
def test_command_line_takes_them(tmp_path, study, recipe, capsys):
    recipe = without_augmentation(recipe)
    recipe["training"].update(epochs=1)
    source = written(recipe, tmp_path / "model")
    arguments = ["train", str(source), "--cases", str(study), "-o", str(tmp_path / "o")]
    step = ["--precision", "mixed_bfloat16", "--accumulate", "2", "--rematerialize"]
    assert main([*arguments, *step, "--workers", "2"]) == 0
    said = capsys.readouterr().err
    assert "waiting for input" in said
    # Of a file, not of a terminal.
    assert "\x1b" not in said
    assert (tmp_path / "o/history.png").is_file()
    training = json.loads((tmp_path / "o/recipe.json").read_text())["training"]
    assert training["dtype"] == "mixed_bfloat16"
    assert training["gradient_accumulation"] == 2
    assert training["rematerialize"] is True


@pytest.mark.parametrize(
    "wrong", [["--precision", "half"], ["--accumulate", "0"], ["--workers", "no"]]
)
def test_wrong_use_is_one_line(tmp_path, study, recipe, wrong, capsys):
    source = written(recipe, tmp_path / "model")
    arguments = ["train", str(source), "--cases", str(study), "-o", str(tmp_path / "o")]
    assert main([*arguments, *wrong]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert wrong[0] in lines[0]


def test_a_network_without_blocks_is_refused_before_any_work(tmp_path, recipe, capsys):
    member = recipe["architecture"]["arguments"]["member"]
    member["class"] = "DeepMedic3D"
    member["arguments"] = {"num_classes": 1}
    from medzoo.training.train import train

    with pytest.raises(InputError, match="DeepMedic3D"):
        train(recipe, tmp_path / "none.csv", tmp_path / "o", rematerialize=True)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.usefixtures("eagerly")
def test_a_loaded_model_is_fine_tuned_in_less_precision(tmp_path, study, recipe, dtype):
    recipe = without_augmentation(single_network(recipe))
    model = load(written(recipe, tmp_path / "model"), weights=False, dtype=dtype)
    assert model.get_layer("stem_conv").compute_dtype == dtype.removeprefix("mixed_")
    assert model.get_layer("stem_conv").kernel.dtype == "float32"
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (dtype == "mixed_float16")
    history = model.fit(dataset(study, recipe, seed=2), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
