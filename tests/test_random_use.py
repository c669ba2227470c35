"""Scans, tables, options drawn at random: nothing silent, nothing lost, no traceback.

Runs for as many seconds as MEDZOO_RANDOM_SECONDS says (`make random`: ten minutes),
from MEDZOO_RANDOM_SEED on; a failure names the draw.
"""

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from medzoo.io import read, write
from tests.batch.small_models import make_models
from tests.random_scans import (
    AGES,
    SEXES,
    average_head,
    label_map,
    scan,
    table,
    tissue_of,
)

SECONDS = float(os.environ.get("MEDZOO_RANDOM_SECONDS", "0"))
SEED = int(os.environ.get("MEDZOO_RANDOM_SEED", "0"))
pytestmark = pytest.mark.skipif(SECONDS <= 0, reason="MEDZOO_RANDOM_SECONDS is not set")
# A registration, which tells what is no head.
REGISTERED = {"step": "scale_to_white_matter", "arguments": {"atlas": "ixi_t1_4mm"}}
# What an answer may differ by from the plain scan's without a word: years, of 1, and
# of the labelled volume.
MOST_CHANGE = {"value": 2.0, "probability": 0.1, "volume": 0.15, "dice": 0.02}
FEMALE = ("f", "female", "w")


@dataclass
class Use:
    """One call of a command, and what its answer must be."""

    arguments: list
    overwrite: bool = False
    kinds: dict = field(default_factory=dict)
    truth: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Name -> folder of small models, each of which registers its scans."""
    found = make_models(tmp_path_factory.mktemp("zoo"))
    for folder in found.values():
        path = folder / "recipe.json"
        recipe = json.loads(path.read_text(encoding="utf-8"))
        recipe["preprocessing"]["spatial"].insert(0, REGISTERED)
        path.write_text(json.dumps(recipe), encoding="utf-8")
    return found


def hashes(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def named(folders, draw):
    """One model or several, as the command takes them."""
    chosen = draw.choice(list(folders), int(draw.integers(1, 4)), replace=False)
    return [str(name) for name in chosen]


def predict_use(folders, head, draw):
    """Scans, a table or a folder, given to one model or several."""
    names = named(folders, draw)
    place = str(draw.choice(["", "dotted.folder/", "s 1/"]))
    Path(place or ".").mkdir(exist_ok=True)
    suffix = str(draw.choice([".nii.gz", ".nii"]))
    scans = [f"{place}s{i}{suffix}" for i in range(int(draw.integers(1, 3)))]
    kinds = {f"s{i}": scan(head, Path(s), draw) for i, s in enumerate(scans)}
    table(Path("cases.csv"), scans, draw, [("age", ages(draw, scans)[1])])
    given = [scans, ["--cases", "cases.csv"], [place or "."]][int(draw.integers(3))]
    images = "tiny_tissue" in names or len(names) > 1
    outputs = ["", "cases.csv", "notes.csv", "new/out.csv", "out.json", "out.tsv"]
    if images:
        outputs = ["new/folder", ".", place or "out", "out.nii.gz", "notes.csv"]
        outputs += ["s0.nii.gz", "cases.csv", "out.mha"]
    out = str(draw.choice(outputs))
    more = ["-o", out] if out else []
    more += [str(word) for word in draw.permutation(OPTIONS)[: draw.integers(3)]]
    models = ",".join(str(folders[name]) for name in names)
    words = ["predict", models, *given, "--json", *more]
    kinds = {case: (kind, names) for case, kind in kinds.items()}
    return Use(words, "--overwrite" in more, kinds)


OPTIONS = ["--overwrite", "--probabilities", "--keep-folders", "--report=page.html"]
OPTIONS += ["--aligned", "--uncertainty=none", "--age=39", "--threads=1"]


def ages(draw, scans):
    """Ages of 39 years as tables have them: what they should be read as, and cells."""
    cells = [str(cell) for cell in draw.choice(AGES, len(scans))]
    return [39.0 if "39" in cell else None for cell in cells], cells


def number_use(folders, head, draw):
    """Ages or sexes of a table, compared with those of plain scans."""
    scans = [f"s{i}.nii.gz" for i in range(int(draw.integers(1, 4)))]
    for place in scans:
        write(head, place)
    if draw.random() < 0.5:
        known, cells = ages(draw, scans)
        column, truth = "age", {"age": [value for value in known if value is not None]}
    else:
        pair = SEXES[int(draw.integers(len(SEXES)))]
        cells = [str(draw.choice(pair)) for _ in scans]
        truth = {"sex": [cell.casefold() in FEMALE for cell in cells]}
        column = "sex"
    table(Path("cases.csv"), scans, draw, [(column, cells)])
    words = ["evaluate", str(folders[f"tiny_{column}"]), "--cases", "cases.csv"]
    return Use([*words, "--json"], truth=truth)


def label_use(folders, head, draw):
    """A label map that lies or is written otherwise, compared with a plain scan's."""
    write(head, "s0.nii.gz")
    kind = label_map(head, Path("labels.nii.gz"), draw)
    table(Path("cases.csv"), ["s0.nii.gz"], draw, [("labels", ["labels.nii.gz"])])
    words = ["evaluate", str(folders["tiny_tissue"]), "--cases", "cases.csv", "--json"]
    return Use(words, truth={"labels": kind})


@pytest.fixture(scope="module")
def head():
    return average_head()


@pytest.fixture
def plain(folders, head, tmp_path, run_medzoo):
    """The answers to the plain scan: years, P(female), ml, and Dice."""
    path, labels = tmp_path / "plain.nii.gz", tmp_path / "labels.nii.gz"
    write(head, path)
    write(tissue_of(head), labels)
    models = ",".join(map(str, folders.values()))
    done = run_medzoo("predict", models, path, "--json", "-o", tmp_path / "plain")
    assert done.returncode == 0, done.stderr
    # Otherwise any answer to a changed scan would come with a warning.
    assert not done.stderr, done.stderr
    record = json.loads(done.stdout)[0]["models"]
    (tmp_path / "cases.csv").write_text(f"case_id,t1,labels\na,{path},{labels}\n")
    tissue = str(folders["tiny_tissue"])
    done = run_medzoo("evaluate", tissue, "--cases", tmp_path / "cases.csv", "--json")
    assert done.returncode == 0, done.stderr
    record["dice"] = dice_of(json.loads(done.stdout))
    return record


def dice_of(found):
    return {n: m["value"] for n, m in found["metrics"].items() if "dice" in n}


def change_of(name, answer, plain):
    """Whether an answer differs from the plain scan's by more than it may."""
    usual = plain[name]
    if "value" in answer:
        return abs(answer["value"] - usual["value"]) > MOST_CHANGE["value"]
    if "probabilities" in answer:
        apart = answer["probabilities"]["female"] - usual["probabilities"]["female"]
        return abs(apart) > MOST_CHANGE["probability"]
    ml = usual["volumes_ml"]
    apart = sum(abs(answer["volumes_ml"][kind] - ml[kind]) for kind in ml)
    return apart > MOST_CHANGE["volume"] * sum(ml.values())


def check_predictions(use, records, plain, told):
    """Each answer is that of the plain scan, or comes with a warning."""
    for record in records:
        kind, names = use.kinds.get(record["case_id"], (None, []))
        if kind is None:
            continue
        each = record.get("models") or {names[0]: record}
        for name, answer in each.items():
            if "error" in answer:
                continue
            doubts = answer.get("warnings") or record.get("warnings")
            assert doubts or not change_of(name, answer, plain), f"{told}: {record}"
            if "output" in answer:
                assert read(answer["output"]).array.max() <= 2, told


def check_metrics(use, found, plain, told):
    """Metrics are those of the truth that the table means."""
    metrics = {name: metric["value"] for name, metric in found["metrics"].items()}
    if "age" in use.truth:
        error = abs(plain["tiny_age"]["value"] - 39)
        assert metrics["mean_absolute_error"] == pytest.approx(error, abs=0.05), told
    elif "sex" in use.truth:
        right = plain["tiny_sex"]["label"] == "female"
        share = np.mean([woman == right for woman in use.truth["sex"]])
        assert metrics["accuracy"] == pytest.approx(share, abs=1e-3), told
    elif use.truth["labels"] != "empty":
        dice = dice_of(found)
        apart = max(abs(dice[name] - plain["dice"][name]) for name in dice)
        silent = "be aligned" not in told and apart > MOST_CHANGE["dice"]
        assert not silent, f"{told}: {dice} instead of {plain['dice']}"


def test_nothing_silent_nothing_lost_no_traceback(
    folders, head, plain, tmp_path, run_medzoo, monkeypatch
):
    uses = [predict_use, predict_use, number_use, label_use]
    began, number = time.monotonic(), SEED
    while time.monotonic() - began < SECONDS:
        draw = np.random.default_rng(number)
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        monkeypatch.chdir(folder)
        use = uses[int(draw.integers(len(uses)))](folders, head, draw)
        Path("notes.csv").write_text("case_id,remark\ns0,blurred\n")
        Path("s0.json").write_text('{"EchoTime": 0.003}')
        before = hashes(folder)
        done = run_medzoo(*use.arguments)
        words = [word.replace(str(tmp_path.parent), "") for word in use.arguments]
        told = f"draw {number}: {use.kinds or use.truth} {words}: {done.stderr}"
        assert done.returncode in (0, 1, 2), told
        assert "Traceback" not in done.stderr, told
        assert all(row.startswith("medzoo: ") for row in done.stderr.splitlines()), told
        # Who says --overwrite means any file but those that are read.
        mine = {"notes.csv", "cases.csv", "s0.json"} if use.overwrite else set()
        mine -= set(use.arguments) if "--cases" in use.arguments else set()
        after = hashes(folder)
        lost = [p for p in before if after.get(p) != before[p] and p.name not in mine]
        assert not lost, f"{told}: {lost}"
        found = json.loads(done.stdout) if done.stdout else []
        if isinstance(found, list):
            check_predictions(use, found, plain, told)
        elif "metrics" in found:
            check_metrics(use, found, plain, told)
        number += 1
    # To be seen with `pytest -rP`.
    print(f"draws {SEED} to {number - 1}")  # noqa: T201
    assert number > SEED
