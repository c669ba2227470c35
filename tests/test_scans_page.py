"""Every line of the page on scans runs as it stands.

The samples are made here; small models stand for those of the zoo.
"""

import json
import re
import shlex
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest

import medzoo
from medzoo.cli.main import main
from tests.conftest import make_head

pytest.importorskip("bids2table")
pytest.importorskip("highdicom")

CHECKOUT = Path(__file__).parents[1]
STAND_INS = {
    "ixi_age_resnet": "tiny_age",
    "ixi_sex_resnet": "tiny_sex",
    "mrbrains_tissue_unet": "tiny_tissue",
}
FOLDERS = {"dicom": "archive", "bids": "study", "challenge": "challenge"}


def lines_of(path):
    """Lines of code with the title that they stand under."""
    title, found = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            title = line.strip("# ")
        elif line.startswith("    ") and line.strip():
            found.append((title, line.split("  #")[0].strip()))
    return found


LINES = lines_of(CHECKOUT / "docs" / "scans.md")


@pytest.fixture(scope="module")
def head():
    return make_head(6.0, noise=1.0)


def other_contrast(head):
    array = np.where(head.array > 10, 260 - head.array, 0)
    return head.with_array(array.astype(np.float32))


@pytest.fixture
def samples(tmp_path, monkeypatch, head):
    """A folder with a scan of each kind, in which the lines are run."""
    monkeypatch.chdir(tmp_path)
    _archive(tmp_path, head)
    _study(tmp_path / "study", head)
    _challenge(tmp_path / "challenge")
    (tmp_path / "codes.csv").write_text("code,class\n1,1\n2,2\n")
    medzoo.write(head, "scan.nii.gz")
    medzoo.write(head, "t1.nii.gz")
    medzoo.write(other_contrast(head), "flair.nii.gz")
    nibabel.save(nibabel.MGHImage(head.array, head.affine), "scan.mgz")
    return tmp_path


def _archive(folder, head):
    """Series 5 is a T1, 7 a FLAIR, 2 a T2 that lacks slices."""
    from tests.io.dicom.conftest import Maker

    maker = Maker(folder / "archive")
    kinds = {5: ("T1 MPRAGE", head), 7: ("t2 FLAIR", other_contrast(head))}
    for number, (description, image) in kinds.items():
        slices = np.clip(image.array, 0, None)[::-1, ::-1].transpose(2, 1, 0)
        maker.series(
            str(number),
            voxels=(10 * slices).astype(np.uint16),
            spacing=(6.0, 6.0, 6.0),
            number=number,
            description=description,
        )
    maker.series(
        "2",
        heights=[0, 3, 6, 12, 15, 18, 21, 24, 27, 30],
        number=2,
        description="Ax T2 TSE",
    )


def _study(root, head):
    """Six people."""
    rows = ["participant_id\tage\tsex"]
    for number in range(1, 7):
        folder = root / f"sub-{number:02d}" / "anat"
        folder.mkdir(parents=True)
        medzoo.write(head, folder / f"sub-{number:02d}_T1w.nii.gz")
        rows.append(f"sub-{number:02d}\t{20 + number}\t{'FM'[number % 2]}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    content = {"Name": "Study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(content))


def _challenge(folder):
    """One folder that all three challenges could have unpacked."""
    files = ("T1", "T1_IR", "T2_FLAIR", "LabelsForTraining", "segm", "wmh")
    files += ("pre/reg_T1", "pre/reg_IR", "pre/FLAIR", "pre/T1")
    labels = np.zeros((24, 24, 9), np.uint8)
    labels[4:20, 4:20, 1:8], labels[8:16, 8:16, 3:6] = 1, 2
    for number in range(1, 5):
        place = folder / str(number)
        (place / "pre").mkdir(parents=True)
        for name in files:
            noise = np.random.default_rng(number).normal(0, 3, labels.shape)
            is_map = name in ("LabelsForTraining", "segm", "wmh")
            array = labels if is_map else (100 * labels + noise).astype(np.float32)
            volume = medzoo.Volume(array, np.diag([8.0, 8.0, 24.0, 1.0]))
            medzoo.write(volume, place / f"{name}.nii.gz")


def filled_in(title, line, models):
    """A line with the samples' names and the small models."""
    kind = next(word for word in ("DICOM", "BIDS", "challenge", "") if word in title)
    place = FOLDERS.get(kind.lower(), "archive")
    for name, stand_in in STAND_INS.items():
        line = line.replace(name, str(models[stand_in]))
    return re.sub(r"\bDIR\b", place, line)


def run(line, names):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if line.startswith("medzoo "):
            assert main(shlex.split(line)[1:]) == 0, line
        else:
            exec(line, names)


def test_the_page_starts_from_every_kind_of_input():
    titles = dict.fromkeys(title for title, _ in LINES)

    assert list(titles) == [
        "My scan is DICOM",
        "My data is BIDS",
        "My channels are not aligned",
        "My data is from a challenge",
        "My data is from FreeSurfer",
    ]


@pytest.mark.extended
@pytest.mark.parametrize("title", dict.fromkeys(title for title, _ in LINES))
def test_every_line_of_the_page_runs(samples, models, title):
    names, extras = {"medzoo": medzoo}, (CHECKOUT / "pyproject.toml").read_text()
    for number, (_, line) in enumerate(x for x in LINES if x[0] == title):
        if line.startswith("pip install"):
            extra = re.search(r"\.\[(\w+)\]", line)[1]
            assert f"\n{extra} = [" in extras
            continue
        # Each line stands for itself: what others wrote is not in its way.
        line = re.sub(r"-o (run|out|cohort)\b", rf"-o \g<1>{number}", line)
        run(filled_in(title, line, models), names)
    if "DICOM" in title:
        assert sorted(samples.glob("out*/*.dcm"))
