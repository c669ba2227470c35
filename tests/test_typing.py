"""The public surface as editors and type checkers see it."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import medzoo

CHECKOUT = Path(__file__).parents[1]
# Thirty public names, used as the documentation uses them.
SCRIPT = """\
from pathlib import Path

import keras
import medzoo
from medzoo import Volume, layers, metrics, models
from medzoo.errors import InputError

names: list[str] = medzoo.list_models()
unit: str = medzoo.info("ixi_age_resnet")["unit"]
weights: Path = medzoo.fetch("ixi_age_resnet")
found = medzoo.verify("ixi_age_resnet", answers=True)
states: list[str] = [finding.state for finding in found]
model = medzoo.load("ixi_age_resnet", num_classes=2, class_names=["a", "b"])
print(model.predict_volume("a.nii.gz").to_dict(), model.preprocessor, model.recipe)
medzoo.freeze(model, but="head")
medzoo.features(model)
medzoo.attach(model, "ixi_age_resnet")

try:
    scan: Volume = medzoo.read("a.nii.gz", assume_affine=1.0)
except InputError:
    raise SystemExit from None
spacing: tuple[float, ...] = scan.spacing
scan = medzoo.spatial.orient(scan, "LPS")
scan = medzoo.spatial.crop_pad(scan, (96, 96, 96))
scan = medzoo.spatial.resample(scan, (1, 1, 2), interpolation="nearest")
written: Path = medzoo.write(scan.with_array(scan.array * 2), Path("b.nii.gz"))

augment = keras.Sequential(
    [
        layers.RandomFlip3D(axes=("LR", 1)),
        layers.RandomContrast3D((0.2, 0.3), per_channel=True),
        layers.RandomNoise(stddev=0.1, seed=1),
        layers.RandomAffine3D(rotation=(0, 0, 15), shift=2),
        layers.Resizing3D(size=(64, 64, 64)),
        layers.RandomCrop3D(48),
    ]
)
unet = models.ResidualUNet3D((None, None, None, 2), num_classes=4, filters=(8, 16))
unet.compile(loss=medzoo.losses.Dice(), metrics=[metrics.DiceScore(num_classes=4)])
unet.fit(medzoo.dataset("cases.csv", unet, batch_size=2))
interval: list[float] = metrics.wilson(9, 10)["ci95"]

medzoo.evaluate("ixi_age_resnet", "cases.csv")
medzoo.predict("ixi_age_resnet", ["a.nii.gz"])
medzoo.report("ixi_age_resnet", "a.nii.gz", "report.html")
medzoo.publish("folder", "hf://org/name", dry_run=True)
medzoo.count_classes("cases.csv", "labels", 4)
medzoo.inference.sliding_window(unet, scan.array, window_size=(64, 64, 64))
"""


def mypy(path, text):
    pytest.importorskip("mypy")
    path.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return run.stdout


def test_a_script_with_thirty_public_names_has_no_type_error(tmp_path):
    assert "no issues found" in mypy(tmp_path / "script.py", SCRIPT)


def test_a_wrong_name_and_a_wrong_type_are_found(tmp_path):
    wrong = "import medzoo\nmedzoo.lod('x')\nmedzoo.write('a', 'b.nii.gz')\n"
    found = mypy(tmp_path / "script.py", wrong)
    assert 'no attribute "lod"' in found
    assert 'expected "Volume"' in found


def public_functions():
    """Functions, and the methods and constructors of classes, that are public."""
    for room in (
        "layers",
        "losses",
        "metrics",
        "models",
        "io",
        "spatial",
        "preprocessing",
    ):
        module = getattr(medzoo, room)
        for name in module.__all__:
            yield from functions_of(f"{room}.{name}", getattr(module, name))
    for name in ("Volume", "attach", "fetch", "info", "list_models", "load"):
        yield from functions_of(name, getattr(medzoo, name))
    for name in ("publish", "save_recipe", "verify"):
        yield from functions_of(name, getattr(medzoo, name))


def functions_of(name, thing):
    if inspect.isfunction(thing):
        yield name, thing
    for member, function in vars(thing).items() if inspect.isclass(thing) else ():
        function = getattr(function, "__func__", function)
        is_public = member == "__init__" or not member.startswith("_")
        if is_public and inspect.isfunction(function):
            yield f"{name}.{member}", function


def test_every_public_function_has_type_hints():
    without = []
    functions = dict(public_functions())
    for name, function in functions.items():
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        if parameters and parameters[0].name in ("self", "cls"):
            parameters = parameters[1:]
        hints = [parameter.annotation for parameter in parameters]
        if not name.endswith("__init__"):
            hints.append(signature.return_annotation)
        if inspect.Signature.empty in hints:
            without.append(name)
    assert len(functions) > 200
    assert without == []
