"""Results in the standard space: labels by vote, images, volumes, what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import medzoo
from medzoo.batch.predict import predict
from medzoo.errors import InputError
from medzoo.inference.settings import Settings
from medzoo.inference.standard_result import in_space, parse_space, way_into
from medzoo.spatial.standard_space import BIDS_NAME, standard_space
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

TURNED = np.array(
    [[0.9, -0.1, 0.05, 10], [0.08, 1.1, 0, -6], [-0.05, 0.05, 0.95, 4], [0, 0, 0, 1]]
)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """The average head, turned, stretched and moved."""
    head = standard_space().head
    path = tmp_path_factory.mktemp("scans") / "h.nii.gz"
    medzoo.write(head.with_affine(TURNED @ head.affine), path)
    return path


def test_labels_lie_in_the_space_by_vote_with_their_volumes():
    space = standard_space()
    labels = Volume(space.regions.array, TURNED @ space.head.affine)
    image = Volume(space.head.array, labels.affine)
    way = Transform([TURNED], grid=space.grid, quality={"correlation": 0.91234567})
    fields = {"labels": labels, "image": image, "codes": None}

    def counted(found, given):
        assert given is fields
        return {"all": float((found.array > 0).sum() / 1000)}

    found = in_space(fields, way, "mni", counted)

    assert found.labels.shape == (182, 218, 182)
    np.testing.assert_allclose(found.labels.spacing, 1)
    assert set(np.unique(found.labels.array)) <= set(np.unique(space.regions.array))
    # Eight cubes of 1 mm in each of 2 mm; half a cube off its corner votes as it does.
    whole = found.labels.array[1::2, 1::2, 1::2]
    same = (whole == space.regions.array) | (space.regions.array == 0)
    assert same.mean() > 0.97
    brain_ml = (space.regions.array > 0).sum() * 8 / 1000
    assert found.volumes_ml["all"] == pytest.approx(brain_ml, rel=0.02)
    inside = space.mask.array
    drawn = found.image.array[1::2, 1::2, 1::2][inside]
    assert np.corrcoef(drawn, space.head.array[inside])[0, 1] > 0.98
    told = found.to_dict()
    assert told["space"] == BIDS_NAME
    assert told["registration"] == "affine"
    assert told["quality"] == {"correlation": 0.9123}
    assert json.dumps(told)


def test_files_in_both_spaces_say_so(models, scan, tmp_path, run_medzoo):
    folder, out = models["tiny_tissue"], tmp_path / "out"
    asked = ("predict", folder, "--channel", f"t1={scan}", "-o", out, "--json")
    done = run_medzoo(*asked, "--space", "mni")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    told = json.loads((out / "h.json").read_text())
    assert told["standard_space"] == record["standard_space"]
    assert told["options"]["space"] == "mni"
    assert set(told["outputs"]) == {"h.nii.gz", "h_mni.nii.gz"}
    assert record["standard_space"]["quality"]["correlation"] > 0.95
    own, standard = (medzoo.read(out / n) for n in told["outputs"])
    assert own.shape == standard_space().head.shape
    assert standard.shape == (182, 218, 182)
    # The same volumes, but for the size of the head.
    scale = np.linalg.det(TURNED[:3, :3])
    for name, ml in record["volumes_ml"].items():
        found = record["standard_space"]["volumes_ml"][name]
        assert found == pytest.approx(ml / scale, rel=0.1, abs=1)
    # Done is what was asked for: without the space it is done anew.
    assert json.loads(run_medzoo(*asked, "--space", "mni").stdout) == [record]
    (plain,) = json.loads(run_medzoo(*asked).stdout)
    assert "standard_space" not in plain


def test_python_gives_it_beside_the_own_space(models, scan):
    found = medzoo.load(models["tiny_tissue"]).predict_volume(
        {"t1": scan}, space="ixi:rigid"
    )
    assert found.labels.shape == standard_space().head.shape
    assert found.standard.kind == "rigid"
    linear = found.standard.transform.matrix[:3, :3]
    np.testing.assert_allclose(linear @ linear.T, np.eye(3), atol=1e-6)
    assert found.to_dict()["standard_space"]["registration"] == "rigid"


@pytest.mark.parametrize("text", ["talairach", "mni:elastic", "", "mni:affine:x", 3])
def test_other_spaces_are_refused(text):
    with pytest.raises(InputError, match="`space` must be"):
        Settings(space=text)
    assert parse_space("mni") == ("mni", "affine")


def test_numbers_lie_in_no_space(models, scan):
    with pytest.raises(InputError, match="results that are images"):
        predict(models["tiny_age"], [scan], space="mni")


def test_a_scan_without_a_known_contrast_is_refused(head_phantom):
    head = head_phantom(8.0)
    with pytest.raises(InputError, match="by one of the channels"):
        way_into("mni", head, ["t2"])
    flair = SimpleNamespace(name="mni:deformable", channels=["flair"])
    with pytest.raises(InputError, match="deformable"):
        way_into(flair.name, head, flair.channels)
    absent = head.with_array(np.zeros((*head.shape, 2), np.float32))
    with pytest.raises(InputError, match="channels"):
        way_into("mni", absent, ["t1", "flair"])
