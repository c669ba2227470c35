"""What every test may use: a head made of ellipsoids, the command, the real scans."""

import os
import shutil
import sys
import warnings
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.volume import Volume

# Before anything imports them: quiet, without a window, and never a download.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As the commands set it: docs/decisions/speed.md, processors without AVX-512.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ["MPLBACKEND"] = "Agg"
os.environ["HF_HUB_OFFLINE"] = "1"
# OpenVINO would tell its maker of each import.
sys.modules.setdefault("openvino_telemetry", None)

CHECKOUT = Path(__file__).parents[1]

# Centre and half-axes in mm (RAS+), and the T1 intensity inside; each lies in the one
# before it, but for the last two, which lie side by side.
HEAD = {
    "scalp": ((0, 0, 0), (76, 98, 92), 190.0),
    "skull": ((0, 0, 1), (70, 92, 85), 25.0),
    "csf": ((0, 0, 2), (65, 86, 78), 45.0),
    "grey": ((0, 0, 2), (62, 82, 74), 110.0),
    "white": ((0, 0, 3), (54, 73, 65), 160.0),
    "left ventricle": ((-13, -5, 8), (10, 34, 15), 45.0),
    "right ventricle": ((12, -3, 8), (7, 29, 13), 45.0),
}
BRAIN_PARTS = ("grey", "white", "left ventricle", "right ventricle")
EDGE_MM = 1.0


def make_head(
    spacing=2.0,
    orientation="RAS",
    *,
    field=(176, 220, 208),
    shift=(0.0, 0.0, 0.0),
    rotation=None,
    skull=True,
    noise=0.0,
    seed=0,
):
    """Makes a T1-like head: nested ellipsoids, evaluated at each voxel's centre.

    The same head on every grid: nothing is resampled. Its edges are a millimetre soft.

    Args:
        spacing: float or three floats, mm along the voxel axes.
        orientation: three letters, where the voxel axes point to.
        field: field of view in mm along left-right, back-front, low-high.
        shift: where the head's centre is in the world, mm RAS+.
        rotation: (3, 3) orthogonal, turns head and grid in the world, or None.
        skull: False leaves out what lies outside the brain.
        noise: standard deviation of Gaussian noise; intensities reach 190.
        seed: of the noise.

    Returns:
        Volume of float32; the head is in the middle of its field of view.
    """
    affine, shape = _grid(spacing, orientation, field)
    image = np.zeros(shape)
    for centre, half_axes, intensity in (
        HEAD[name] for name in HEAD if skull or name in BRAIN_PARTS
    ):
        depth_mm = _depth_mm(affine, shape, np.array(centre), np.array(half_axes))
        inside = np.where(depth_mm < 0, 1.0, 1 / (1 + np.exp(50)))
        # Farther from the surface the exponential is what it is at the bound.
        rim = np.abs(4 * depth_mm / EDGE_MM) < 50
        inside[rim] = 1 / (1 + np.exp(4 * depth_mm[rim] / EDGE_MM))
        image += inside * (intensity - image)
    if noise:
        image += np.random.default_rng(seed).normal(0, noise, shape)
    move = np.eye(4)
    move[:3, :3] = np.eye(3) if rotation is None else rotation
    move[:3, 3] = shift
    return Volume(image.astype(np.float32), move @ affine)


def _depth_mm(affine, shape, centre, half_axes):
    """How far each voxel of a grid without a turn lies outside an ellipsoid, mm."""
    squared = 0.0
    for axis, count in enumerate(shape):
        world = np.argmax(np.abs(affine[:3, axis]))
        places = affine[world, axis] * np.arange(count) + affine[world, 3]
        along = [-1 if other == axis else 1 for other in range(3)]
        scaled = (places - centre[world]) / half_axes[world]
        squared = squared + (scaled**2).reshape(along)
    return (np.sqrt(squared) - 1) * half_axes.min()


def _grid(spacing, orientation, field):
    """The affine and shape of a grid whose middle is the world's origin."""
    spacing = np.broadcast_to(np.asarray(spacing, float), 3)
    linear = np.zeros((3, 3))
    shape = []
    for axis, letter in enumerate(orientation):
        world = next(i for i, pair in enumerate(("LR", "PA", "IS")) if letter in pair)
        linear[world, axis] = spacing[axis] * (1 if letter in "RAS" else -1)
        shape.append(max(round(field[world] / spacing[axis]), 1))
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = -linear @ ((np.array(shape) - 1) / 2)
    return affine, tuple(shape)


@pytest.fixture(scope="session")
def head_phantom():
    """The function `make_head`: a T1-like head on any grid."""
    return make_head


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Name -> folder of tiny_age, tiny_sex and tiny_tissue, which no test changes."""
    from tests.batch.small_models import make_models

    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def run_medzoo(capsys, monkeypatch):
    """A function that runs `medzoo ARGUMENTS` in this process, as its user sees it.

    It returns `returncode`, `stdout` and `stderr`, as subprocess.run does.
    """
    from medzoo.cli.main import main

    def run(*arguments, cwd=None):
        if cwd is not None:
            monkeypatch.chdir(cwd)
        capsys.readouterr()
        with warnings.catch_warnings():
            # As in a process of its own: here they would be errors.
            warnings.simplefilter("ignore")
            warnings.simplefilter("default", UserWarning)
            code = main(list(map(str, arguments)))
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=printed.out, stderr=printed.err)

    return run


@contextmanager
def run_eagerly():
    """Runs what TensorFlow would compile as it is: cheaper for a few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eagerly():
    """For tests whose subject is not what is compiled; see `run_eagerly`."""
    with run_eagerly():
        yield


# What `without_engines` has for measured.
ENGINES = {"keras float32": {"seconds_per_scan": 0.5}}


@contextmanager
def without_engines():
    """Evaluations that export nothing to other engines, which takes seconds each."""
    module = import_module("medzoo.evaluation.evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "engines_of", lambda *_: ENGINES)
        yield


@pytest.fixture(scope="session")
def realdata():
    """The folder of real scans beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("MEDZOO_TEST_DATA", CHECKOUT.parent / "shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """No test reads or fills the user's cache; subprocesses inherit this."""
    os.environ["MEDZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def pytest_collection_modifyitems(items):
    """Marks whatever asks for the real scans, so that `-m "not realdata"` is sure."""
    for item in items:
        if "realdata" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.realdata)


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium."""
    place = shutil.which("chromium") or shutil.which("google-chrome")
    if place is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    from tests.serve.browser import QUIET

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=QUIET)
        yield browser
        browser.close()
