"""The public surface as editors and type checkers see it."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import medzoo
from medzoo.models.base import VolumeModel

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

metric: dict = medzoo.evaluate("ixi_age_resnet", "cases.csv")["metrics"]["mae"]
ids: list[str] = [one["case_id"] for one in medzoo.predict("ixi_age_resnet", ["a.nii"])]
page: Path = medzoo.report("ixi_age_resnet", "a.nii.gz", "report.html")
folder: Path = medzoo.train("ixi_age_resnet", "cases.csv", "out", fine_tune=True)
feed = medzoo.PatchFeed(
    "cases.csv",
    labels="labels",
    patch_size=48,
    layers=[layers.ZScore()],
    augmentation=[medzoo.CompiledPipeline([layers.RandomNoise(stddev=0.1)])],
)
records: list[Path] = medzoo.write_tfrecords(feed, "records", num_shards=2)
medzoo.read_tfrecords(records, patch_size=(48, 48, 48)).batch(2)
medzoo.publish("folder", "hf://org/name", dry_run=True)
counted: list[int] = medzoo.count_classes("cases.csv", "labels", 4).voxels.tolist()
result = model.predict_volume("a.nii.gz", uncertainty="tta")
number: float | None = result.value
medzoo.inference.sliding_window(unet, scan.array, window_size=(64, 64, 64))
"""


WRONG = "import medzoo\nmedzoo.lod('x')\nmedzoo.write('a', 'b.nii.gz')\n"


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """What mypy says of both scripts: to start it is what takes the time."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("typed")
    scripts = {"right.py": SCRIPT, "wrong.py": WRONG}
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [str(folder / name) for name in scripts]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *paths],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return run.stdout


def test_a_script_with_thirty_public_names_has_no_type_error(mypy):
    assert "right.py" not in mypy
    assert "errors in 1 file (checked 2 source files)" in mypy


def test_a_wrong_name_and_a_wrong_type_are_found(mypy):
    assert 'no attribute "lod"' in mypy
    assert 'expected "Volume"' in mypy


def public_functions():
    """Functions, and the methods and constructors of classes, that are public."""
    for name in sorted(set(medzoo.__all__) - {"__version__"}):
        public = getattr(medzoo, name)
        if not inspect.ismodule(public):
            yield from functions_of(name, public)
            continue
        for inner in getattr(public, "__all__", ()):
            yield from functions_of(f"{name}.{inner}", getattr(public, inner))
    yield from functions_of("models.base.VolumeModel", VolumeModel)


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
