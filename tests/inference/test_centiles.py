"""Centiles: what the curves are worth, and who is compared."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.inference.centiles import Person, centiles_of, reference, with_centiles
from medzoo.inference.prediction import Prediction


@pytest.fixture(scope="module")
def muse():
    return reference("muse")


@pytest.mark.parametrize("sex", ["female", "male"])
@pytest.mark.parametrize("age", [25, 50, 90])
def test_a_volume_on_a_curve_has_its_centile(muse, sex, age):
    for region in ("left hippocampus", "ventricles", "brain", "right precentral gyrus"):
        curve = muse.curves(region, sex, [age])[:, 0]
        found = [muse.centile(v, region, Person(age, sex)) for v in curve]
        assert found == pytest.approx(list(muse.quantiles), abs=1e-6)


def test_curves_rise_from_centile_to_centile_at_every_age(muse):
    ages = np.arange(muse.ages[0], muse.ages[1] + 1)
    for region in muse.regions:
        for sex in ("female", "male"):
            assert (np.diff(muse.curves(region, sex, ages), axis=0) > 0).all(), region


def test_curves_are_what_is_known_of_ageing(muse):
    young, old = 30, 85
    for sex in ("female", "male"):
        ventricles = muse.curves("ventricles", sex, [young, old])[2]
        hippocampus = muse.curves("left hippocampus", sex, [young, old])[2]
        assert ventricles[1] > 2 * ventricles[0]
        assert hippocampus[1] < 0.9 * hippocampus[0]
    at_50 = [muse.curves("brain", sex, [50])[2, 0] / 1e6 for sex in ("female", "male")]
    assert at_50 == pytest.approx([1.196, 1.333], abs=0.02)


def test_centiles_rise_with_the_volume_and_stay_within_bounds(muse):
    volumes = np.geomspace(100, 100_000, 50)
    person = Person(60, "male")
    found = [muse.centile(v, "left hippocampus", person) for v in volumes]
    assert np.all(np.diff(found) >= 0)
    assert found[0] == 0.1
    assert found[-1] == 99.9


def test_corrections_divide_what_was_measured(muse):
    person = Person(40, "female")
    median = muse.curves("left hippocampus", "female", [40])[2, 0]
    found, notes = centiles_of(
        {48: 1.1 * median},
        person,
        reference_name="muse",
        corrections={"left hippocampus": 1.1},
    )
    assert found == {"left hippocampus": pytest.approx(50)}
    assert notes == []


def test_an_age_outside_of_the_population_is_said():
    found, notes = centiles_of(
        {48: 3000.0},
        Person(7, "female"),
        reference_name="muse",
        corrections={"left hippocampus": 1.0},
    )
    assert found == {}
    assert "7 years" in notes[0]


@pytest.mark.parametrize("sex", ["F", "female", " f ", "Female"])
def test_people_are_read_as_tables_have_them(sex):
    assert Person.of("33.5", sex) == Person(33.5, "female")


@pytest.mark.parametrize(("age", "sex"), [(None, "F"), ("", "F"), (30, ""), (30, None)])
def test_without_age_or_sex_nobody_is_compared(age, sex):
    assert Person.of(age, sex) is None


@pytest.mark.parametrize(
    ("age", "sex"), [(-3, "F"), (400, "M"), ("old", "F"), (30, "x")]
)
def test_other_ages_and_sexes_are_refused(age, sex):
    with pytest.raises(InputError, match="Received"):
        Person.of(age, sex)


def test_an_unknown_population_is_refused():
    with pytest.raises(InputError, match="muse"):
        reference("martians")


def prediction(person):
    return Prediction(
        "segmentation",
        "m",
        volumes_ml={"right hippocampus": 4.0, "left hippocampus": 3.7},
        class_names=["background", "right hippocampus", "left hippocampus"],
        codes=[0, 47, 48],
        person=person,
    )


STEP = {"reference": "muse", "corrections": {"left hippocampus": 1.0}}


def test_a_prediction_gets_the_centiles_of_its_own_volumes(muse):
    person = Person(40, "female")
    found = with_centiles(prediction(person), STEP)

    assert found.centiles == {
        "left hippocampus": muse.centile(3700, "left hippocampus", person)
    }
    assert found.warnings == ()


def test_without_a_step_or_a_person_a_prediction_stays_as_it_is():
    nobody, somebody = prediction(None), prediction(Person(40, "male"))
    assert with_centiles(nobody, STEP) is nobody
    assert with_centiles(somebody, None) is somebody
    child = with_centiles(prediction(Person(7, "male")), STEP)
    assert child.centiles is None
    assert "7 years" in child.warnings[0]
