"""Scans, tables, options drawn at random: nothing silent, nothing lost, no traceback.

Runs for as many seconds as MEDZOO_RANDOM_SECONDS says (`make random`: ten minutes),
from MEDZOO_RANDOM_SEED on; a failure names the draw.
"""

import hashlib
import json
import os
import shutil
import time

import nibabel as nib
import numpy as np
import pytest

from medzoo.cli.main import main
from medzoo.io import write
from tests.batch.small_models import make_age_model

SECONDS = float(os.environ.get("MEDZOO_RANDOM_SECONDS", "0"))
SEED = int(os.environ.get("MEDZOO_RANDOM_SEED", "0"))
pytestmark = pytest.mark.skipif(SECONDS <= 0, reason="MEDZOO_RANDOM_SECONDS is not set")
# A registration, which tells what is no head.
REGISTERED = {"step": "scale_to_white_matter", "arguments": {"atlas": "ixi_t1_4mm"}}
# Changes of a scan that must not change the answer by more than this, or be told.
MOST_CHANGE = 2.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_age_model(tmp_path_factory.mktemp("zoo"), [REGISTERED])


def negative(array, affine, draw):
    array[0, 0, 0] = -draw.uniform(0, 2) * array.max()
    return array, affine


def wild(array, affine, draw):
    place = tuple(int(draw.integers(n)) for n in array.shape)
    array[place] = draw.choice([-1, 1]) * 10.0 ** draw.integers(4, 9)
    return array, affine


def nan(array, affine, draw):
    array[tuple(int(draw.integers(n)) for n in array.shape)] = np.nan
    return array, affine


def larger(array, affine, draw):
    return array, affine @ np.diag([*[draw.uniform(4, 100)] * 3, 1.0])


CHANGES = {
    "plain": lambda array, affine, draw: (array, affine),
    "negative": negative,
    "wild": wild,
    "nan": nan,
    "outside nan": lambda a, m, draw: (np.where(a < 5, np.nan, a), m),
    "flipped": lambda a, m, draw: (a[::-1], m @ _flip(a.shape[0])),
    "scaled": lambda a, m, draw: (a * np.float32(10.0 ** draw.uniform(-3, 3)), m),
    "few slices": lambda a, m, draw: (a[:, :, : draw.integers(1, 6)], m),
    "tiny voxels": lambda a, m, draw: (a, m @ np.diag([1e-3, 1e-3, 1e-3, 1.0])),
    "huge voxels": larger,
    "complex": lambda a, m, draw: (a.astype(np.complex64), m),
}


def scan(head, path, draw):
    """Writes a scan changed at random; returns how."""
    kind = str(draw.choice([*CHANGES, "cut", "empty"]))
    change = CHANGES.get(kind, CHANGES["plain"])
    array, affine = change(np.array(head.array, np.float32), head.affine.copy(), draw)
    nib.save(nib.Nifti1Image(array, affine), path)
    content = path.read_bytes()
    if kind == "cut":
        path.write_bytes(content[: int(draw.integers(len(content)))])
    elif kind == "empty":
        path.write_bytes(b"")
    return kind


def _flip(size):
    matrix = np.diag([-1.0, 1, 1, 1])
    matrix[0, 3] = size - 1
    return matrix


def table(path, names, draw):
    """Writes a table of cases in a way of writing drawn at random."""
    delimiter = str(draw.choice([",", ";", "\t", ", "]))
    header = [str(draw.choice(["case_id", "Case_ID"])), str(draw.choice(["t1", "T1"]))]
    rows = [[name.partition(".")[0], name] for name in names]
    if draw.random() < 0.2:
        rows[0][0] = str(draw.choice(["../x", "", "=1+1", '"open', "a b"]))
    if draw.random() < 0.3:
        header.append("age")
        rows = [[*row, str(draw.choice(["31", "n/a", "039Y", "-3"]))] for row in rows]
    lines = [delimiter.join(row) for row in [header, *rows]]
    ending = str(draw.choice(["\n", "\r\n", "\n\n"]))
    path.write_text(ending.join(lines) + ending, encoding="utf-8", newline="")


def hashes(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_silent_nothing_lost_no_traceback(
    model, head_phantom, tmp_path, capsys, monkeypatch
):
    head = head_phantom(spacing=4.0)
    write(head, tmp_path / "plain.nii.gz")
    capsys.readouterr()
    assert main(["predict", str(model), str(tmp_path / "plain.nii.gz"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)[0]["value"]
    began, number = time.monotonic(), SEED
    while time.monotonic() - began < SECONDS:
        draw = np.random.default_rng(number)
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        monkeypatch.chdir(folder)
        names = [f"s{i}.nii.gz" for i in range(int(draw.integers(1, 4)))]
        kinds = {name: scan(head, folder / name, draw) for name in names}
        table(folder / "cases.csv", names, draw)
        (folder / "notes.csv").write_text("case_id,remark\ns0,blurred\n")
        (folder / "s0.json").write_text('{"EchoTime": 0.003}')
        given = names if draw.random() < 0.5 else ["--cases", "cases.csv"]
        out = str(
            draw.choice(["", "cases.csv", "notes.csv", "new/out.csv", "out.json"])
        )
        more = ["-o", out] if out else []
        more += ["--overwrite"] if draw.random() < 0.2 else []
        before = hashes(folder)
        code = main(["predict", str(model), *given, "--json", *more])
        printed = capsys.readouterr()
        told = f"draw {number}: {kinds}, {given}, {more}: {printed.err}"
        assert code in (0, 1, 2), told
        assert "Traceback" not in printed.err, told
        assert all(row.startswith("medzoo: ") for row in printed.err.splitlines()), told
        # Who says --overwrite means any file but those that are read.
        mine = {"notes.csv", "cases.csv"} if "--overwrite" in more else set()
        mine -= set(given)
        after = hashes(folder)
        lost = [p for p in before if after.get(p) != before[p] and p.name not in mine]
        assert not lost, f"{told}: {lost}"
        for record in json.loads(printed.out) if printed.out else []:
            kind = kinds.get(record["case_id"] + ".nii.gz")
            if "value" in record and kind is not None:
                unchanged = abs(record["value"] - plain) < MOST_CHANGE
                assert unchanged or record.get("warnings"), f"{told}: {record}"
        number += 1
    assert number > SEED
