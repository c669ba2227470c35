import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from medzoo.cli import demo
from medzoo.cli.demo_picture import draw
from medzoo.errors import InputError, MissingFileError
from medzoo.volume import Volume


@dataclass(frozen=True)
class Said:
    text: str

    def __str__(self):
        return self.text


def panels(figure):
    """Title -> the pixels shown, first row lowest, first column leftmost."""
    return {
        axes.get_title(): np.asarray(axes.get_images()[0].get_array())
        for axes in figure.axes
        if axes.get_images()
    }


def texts(figure):
    return " ".join(" ".join(t.get_text() for t in axes.texts) for axes in figure.axes)


def block(low, high, orientation_affine):
    """A block of ones in a dim cube of 30 voxels; low, high: its corners."""
    array = np.full((30, 30, 30), 0.5, np.float32)
    array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 1.0
    return Volume(array, orientation_affine)


@pytest.mark.parametrize("flipped", [False, True])
def test_the_patients_right_is_on_the_left_of_the_picture(tmp_path, flipped):
    affine = np.diag([-1.0 if flipped else 1.0, 1, 1, 1])
    # The upper half of x: right in RAS, left where the axis points left.
    figure = draw(block((15, 0, 0), (30, 30, 30), affine), {}, tmp_path / "a.png")
    for title in ("coronal", "axial"):
        left, right = np.split(panels(figure)[title], 2, axis=1)
        bright, dim = (right, left) if flipped else (left, right)
        assert bright.min() == 1.0
        assert dim.max() == 0.5
    assert "R) is on the left" in " ".join(texts(figure).split())


def test_top_is_up_and_front_is_left(tmp_path):
    figure = draw(block((0, 15, 15), (30, 30, 30), np.eye(4)), {}, tmp_path / "a.png")
    sagittal = panels(figure)["sagittal"]
    upper_left = sagittal[15:, :15]
    assert upper_left.min() == 1.0
    assert sagittal.sum() == pytest.approx(15 * 15 * 1.0 + (900 - 225) * 0.5)


def test_slices_go_through_the_middle_of_the_head_not_of_the_picture(
    head_phantom, tmp_path
):
    head = head_phantom(4.0, noise=2.0)
    array = np.zeros((80, 90, 100), np.float32)
    corner = (30, 20, 45)
    array[tuple(slice(c, c + n) for c, n in zip(corner, head.shape, strict=True))] = (
        head.array
    )
    shown = panels(draw(Volume(array, head.affine), {}, tmp_path / "a.png"))
    # Only slices near the head's middle cut both ventricles: dark inside white matter.
    axial = np.flip(shown["axial"].T, 0)[30 : 30 + head.shape[0], 20:75]
    middle = axial[:, axial.shape[1] // 2]
    white = np.flatnonzero(middle > 140)
    assert (middle[white[0] : white[-1]] < 80).sum() >= 3


def test_results_stand_beside_and_the_file_is_a_picture(head_phantom, tmp_path):
    path = tmp_path / "picture.png"
    said = {"age": Said("47.3 years (90 % interval 40.1 to 54.5)"), "sex": Said("male")}
    figure = draw(head_phantom(4.0), said, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    shown = " ".join(texts(figure).split())
    for text in ("age 47.3 years (90 % interval 40.1 to 54.5)", "sex male", "Not for"):
        assert text in shown
    assert [entry.name for entry in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_image_without_any_contrast_is_drawn(tmp_path, value):
    volume = Volume(np.full((8, 9, 10, 2), value, np.float32), np.eye(4))
    draw(volume, {}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_the_packaged_average_brain_is_found_without_importing_nilearn():
    code = (
        "import sys; from medzoo.cli.demo import template_path; path = template_path();"
        "print(path.stat().st_size, 'nilearn' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(answer[0]) > 1_000_000
    assert answer[1] == "False"


def test_without_nilearn_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'nilearn=None.*pip install "medzoo\[demo\]"'):
        demo.template_path()


@pytest.mark.parametrize(
    ("output", "error"), [("a.xyz", InputError), ("none/a.png", MissingFileError)]
)
def test_an_output_that_cannot_be_written_is_refused_first(tmp_path, output, error):
    with pytest.raises(error, match=output):
        demo.run(tmp_path / "none.nii", tmp_path / output)


def test_a_missing_scan_is_refused_in_one_line(medzoo_command, tmp_path):
    done = medzoo_command("demo", tmp_path / "none.nii.gz", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none.nii.gz" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_classes_of_a_segmentation_are_laid_over_the_slices(tmp_path):
    @dataclass(frozen=True)
    class Labels(Said):
        labels: Volume

        def classes(self):
            return self.labels

    scan = block((0, 0, 0), (30, 30, 30), np.eye(4))
    array = np.zeros((30, 30, 30), np.uint8)
    array[15:] = 3
    said = Labels("volumes", Volume(array, np.eye(4)))
    figure = draw(scan, {"tissue": said}, tmp_path / "a.png")
    for axes in figure.axes:
        if axes.get_title() == "axial":
            overlay = axes.get_images()[1].get_array()
            # Right is on the left, and where there is no class nothing is drawn.
            assert (overlay[:, :15] == 3).all()
            assert overlay.mask[:, 15:].all()
