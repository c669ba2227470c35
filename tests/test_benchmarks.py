"""The benchmark scripts still run: at a size that measures nothing."""

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def augmentation():
    """The script as a module, with what lies beside it."""
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not in source distributions")
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location(
            "augmentation_benchmark", FOLDER / "augmentation.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


def test_contenders_augment_the_same_case(augmentation):
    case = augmentation.make_case(12)
    assert case[0].shape == case[1].shape == (12, 12, 12)
    assert set(np.unique(case[1])) <= {0, 1, 2, 3, 4}

    contenders = augmentation.medzoo_contenders(case)

    assert len(contenders) == 4
    for run in contenders.values():
        found = run()
        assert found["images"].shape == (12, 12, 12, 1)
        assert found["segmentation_masks"].dtype == np.int32
        assert set(np.unique(found["segmentation_masks"])) <= {0, 1, 2, 3, 4}
        assert not np.array_equal(found["images"][..., 0], case[0])


def test_ratios_are_over_the_reference(augmentation):
    rows = {augmentation.REFERENCE: {"s": 3.0}, "other": {"s": 0.5}}

    augmentation.add_ratios(rows, "s")

    assert rows["other"]["times_torchio"] == 6
    assert rows[augmentation.REFERENCE]["times_torchio"] == 1


def test_engines_are_compared_with_keras(augmentation):
    spec = importlib.util.spec_from_file_location("engines", FOLDER / "engines.py")
    engines = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engines)
    rows = {
        "keras": {"times_s": [3.0, 4.0, 5.0]},
        "other": {"times_s": [2.0, 1.0, 9.0]},
    }
    usual = np.array([[1.0, 4.0], [2.0, 1.0]])
    answers = {"keras": usual, "other": usual + np.array([[0, 0], [0, 2]])}

    engines.compare(rows, answers, softmax=True)

    other = rows["other"]
    assert (other["median_s"], other["times_keras"]) == (2.0, 2.0)
    assert (other["largest"], other["mean"]) == ("5.0e-01", "1.2e-01")
    assert other["other_labels"] == "5.0e-01"


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("flags", "words", "kind"),
    [
        ({"flags": "sse4_2 avx avx2 fma"}, ["AVX2"], "avx2"),
        (
            {"flags": "avx2 avx512f avx512_bf16"},
            ["AVX2", "AVX-512", "AVX-512 bfloat16"],
            "avx512-avx512-bfloat16",
        ),
        ({"Features": "fp asimd sve"}, ["NEON", "SVE"], "neon-sve"),
        ({}, [], ""),
    ],
)
def test_processors_of_other_instructions_are_kept_apart(
    augmentation, flags, words, kind
):
    import report

    assert report.instructions(flags) == words
    assert report.kind_of_processor(flags).partition("-")[2] == kind


def test_results_and_tables_name_the_processor(augmentation, monkeypatch, tmp_path):
    import report

    said = []
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "say", said.append)
    monkeypatch.setattr(report, "_processor", lambda: {"flags": "avx2"})
    assert report.results_folder().name.endswith("-avx2")
    assert report.results_folder().is_dir()
    assert report.describe_machine(1)["instructions"] == ["AVX2"]
    report.table("title", {"row": {"s": 1.0}}, ["s"])
    assert "on AVX2:" in said


def test_benchmarks_end_when_time_is_up(augmentation, tmp_path, monkeypatch, capsys):
    run = script("run")
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(9); open({str(mark)!r}, 'w')"
    sources = {
        "good": "",
        "bad": "raise SystemExit(3)",
        # What it started is ended with it.
        "slow": f"import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])",
        "late": "",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    began = time.monotonic()
    assert run.main([*sources, "--minutes", "0.1"]) == 1
    assert time.monotonic() - began < 9
    ends = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[-4:]
    )
    assert ends == {
        "good": "done",
        "bad": "failed",
        "slow": "ended: no time",
        "late": "left out: no time",
    }
    time.sleep(max(0, 10 - (time.monotonic() - began)))
    assert not mark.exists()


def test_all_benchmarks_of_the_makefile_are_there():
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not in source distributions")
    text = (FOLDER.parent / "Makefile").read_text(encoding="utf-8")
    (names,) = [x for x in text.splitlines() if x.startswith("BENCHMARKS ?=")]
    for name in names.partition("=")[2].split():
        assert (FOLDER / f"{name}.py").is_file()
