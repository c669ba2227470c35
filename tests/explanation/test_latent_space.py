"""People in two dimensions: principal components, files, and the picture."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.explanation.latent_space import LatentSpace, latent_svg


def people(count=40, seed=0):
    """Codes that vary most along the first number, then along the second; and ages."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(count, 6)) * (9, 4, 1, 1, 1, 1) + 3
    return codes, 50 + 2 * (codes[:, 0] - 3)


def test_axes_are_those_of_the_largest_variance_in_standard_deviations():
    codes, ages = people(400)

    space = LatentSpace.of(codes, ages)

    assert np.abs(space.axes[0]).argmax() == 0
    assert np.abs(space.axes[1]).argmax() == 1
    np.testing.assert_allclose(space.places.std(axis=0, ddof=1), 1)
    np.testing.assert_allclose(space.places.mean(axis=0), 0, atol=1e-9)
    assert space.variance[0] == pytest.approx(81 / 101, abs=0.05)


def test_a_person_of_the_table_lies_where_the_table_says():
    codes, ages = people()
    space = LatentSpace.of(codes, ages)

    place = space.place(codes[7])

    np.testing.assert_allclose(place, space.places[7])
    assert space.nearest_ages(place)[0] == ages[7]
    assert len(space.nearest_ages(place)) == 5


def test_a_file_holds_places_and_ages_and_no_code(tmp_path):
    codes, ages = people()
    space = LatentSpace.of(codes, ages)
    path = tmp_path / "latent.json"
    path.write_text(space.to_json())

    read = LatentSpace.read(path)

    np.testing.assert_allclose(read.places, space.places, atol=0.006)
    np.testing.assert_allclose(read.ages, np.round(ages), atol=1e-9)
    np.testing.assert_allclose(read.place(codes[3]), space.places[3], atol=0.01)
    # Of each person three numbers, of six that a code has.
    content = json.loads(path.read_text())
    assert {len(person) for person in content["people"]} == {3}
    assert set(content) == {"mean", "axes", "variance", "people"}


@pytest.mark.parametrize(
    "text", ["", "{}", '{"people": [[1]], "mean": [], "axes": []}']
)
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "latent.json"
    path.write_text(text)

    with pytest.raises(InputError, match="LatentSpace"):
        LatentSpace.read(path)


def test_the_picture_has_a_dot_a_person_and_a_cross_for_the_scan():
    space = LatentSpace.of(*people())

    text = latent_svg(space, np.array([30.0, -1.0]))

    root = ElementTree.fromstring(text)
    names = [part.tag.rpartition("}")[2] for part in root.iter()]
    assert names.count("circle") == 40
    assert names.count("line") == 2
    assert "this scan" in text
    # However far it lies from all others, it is in the picture.
    spots = re.findall(r'c[xy]="([-\d.]+)"', text)
    assert all(0 <= float(spot) <= 480 for spot in spots)
    assert "line" not in latent_svg(space)
