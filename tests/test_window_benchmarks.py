"""The scripts that measure prediction still run: at a size that measures nothing."""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def script(name):
    """A benchmark as a module, under a name that nothing else has."""
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not in source distributions")
    spec = importlib.util.spec_from_file_location(
        f"{name}_benchmark", FOLDER / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.mark.extended
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_the_network_of_monai_answers_alike_in_keras(norm):
    pytest.importorskip("monai")
    import torch
    from unet_from_monai import monai_unet, rebuilt

    network = monai_unet(norm)
    x = np.random.default_rng(0).normal(size=(2, 32, 48, 32, 1)).astype("f4")
    with torch.inference_mode():
        wanted = network(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()

    found = rebuilt(network).predict_on_batch(x)

    np.testing.assert_allclose(found, np.moveaxis(wanted, 1, -1), atol=1e-4)


@pytest.mark.extended
def test_contenders_blend_the_same_volume():
    pytest.importorskip("monai")
    windows = script("sliding_window")
    arguments = argparse.Namespace(window=32, cores=1)
    contenders = windows.make_contenders("batch", arguments)
    volume = windows.make_volume((40, 32, 48))

    answers = {name: run(volume, 2) for name, run in contenders.items()}

    wanted = answers[windows.REFERENCE]
    assert wanted.shape == (40, 32, 48, 5)
    np.testing.assert_allclose(
        answers["medzoo keras, float32"], wanted, atol=0.01 * np.abs(wanted).max()
    )


def test_a_point_of_growth_is_measured_beside_its_plan():
    growth = script("growth")
    point = growth.measure_point((16, 16, 32), 16, 3)
    assert point["voxels"] == 16 * 16 * 32
    assert point["seconds"] > 0
    assert point["planned_mb"] > 0


def test_slopes_tell_linear_from_square():
    growth = script("growth")
    rows = [{"voxels": n, "seconds": 3.0 * n, "planned_mb": n * n} for n in (1, 2, 8)]
    assert growth.slopes("voxels", rows) == {"seconds": 1.0, "planned_mb": 2.0}


def test_growth_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    growth = script("growth")
    rows = [
        {"voxels": n, "seconds": n, "planned_mb": n, "peak_memory_mb": None}
        for n in (1, 2)
    ]
    growth.draw(
        {"curves": {"voxels": rows, "window": [], "classes": []}}, tmp_path / "p.png"
    )
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_stages_are_timed_apart():
    tissue = script("tissue")
    clock = tissue.Clock()
    assert clock("read", lambda: 5) == 5
    assert list(clock.seconds) == ["read"]


def test_an_average_head_has_the_spacing_asked_for(tmp_path):
    from medzoo.io import read

    tissue = script("tissue")
    head = read(tissue.average_head(tmp_path / "head.nii.gz", spacing=6.0))
    np.testing.assert_allclose(head.spacing, 6.0)
