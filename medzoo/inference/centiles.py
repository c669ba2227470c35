"""Centiles: a person's volumes among healthy people of the same age and sex."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from medzoo.errors import InputError

FOLDER = Path(__file__).parent / "references"
SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}
# Beyond these the tables have no data: a hundredth of a percent would be made up.
LOWEST, HIGHEST = 0.1, 99.9
# Age is scaled so that the powers of the curves stay small, years.
MIDDLE, HALF_RANGE = 57.0, 36.0


@dataclass(frozen=True)
class Person:
    """Age and sex of the person, for comparison with a reference population.

    Args:
        age: float, years.
        sex: str, "female" or "male".
    """

    age: float
    sex: str

    @classmethod
    def of(cls, age, sex):
        """Returns a `Person` from an age and a sex, or None without both.

        Args:
            age: number or str, years, or None or "".
            sex: str, as "F" or "female", any case, or None or "".

        Raises:
            InputError: for an age that is no number from 0 to 120, or another sex.
        """
        if age in (None, "") or sex in (None, ""):
            return None
        try:
            years = float(age)
        except (TypeError, ValueError):
            years = float("nan")
        if not 0 <= years <= 120:
            raise InputError(
                f"`age` must be a number of years from 0 to 120. Received: age={age!r}."
            )
        known = SEXES.get(str(sex).strip().lower())
        if known is None:
            raise InputError(
                f"`sex` must be female or male (F or M). Received: sex={sex!r}."
            )
        return cls(years, known)


@dataclass(frozen=True)
class Reference:
    """Curves of volume against age, fitted to the centiles of a population.

    Args:
        source: str, whose volumes they are of.
        ages: `(lowest, highest)` age of the population, years.
        quantiles: `(n,)` float, the centiles that there is a curve of, ascending.
        regions: dict of name -> `{"codes": [int], "female": (n, k) array, "male": ...}`
            of polynomials in age, the constant first, of the logarithm of mm3.
    """

    source: str
    ages: tuple
    quantiles: np.ndarray
    regions: dict

    def curves(self, region, sex, ages):
        """Returns the volumes at each centile and age, `(n, ages)` float, mm3."""
        scaled = (np.asarray(ages, float) - MIDDLE) / HALF_RANGE
        powers = np.vander(scaled, self.regions[region][sex].shape[1], increasing=True)
        return np.exp(self.regions[region][sex] @ powers.T)

    def centile(self, volume, region, person):
        """Returns the centile of a volume, a float from 0.1 to 99.9.

        Args:
            volume: float, mm3.
            region: str.
            person: `Person`, of an age within `ages`.
        """
        from scipy.special import ndtr, ndtri

        curve = self.curves(region, person.sex, [person.age])[:, 0]
        levels = ndtri(self.quantiles / 100)
        # Between curves, and beyond the outer ones, as a normal distribution of the
        # logarithm would go on.
        sizes = np.log(curve)
        place = np.clip(np.searchsorted(curve, volume), 1, len(curve) - 1)
        share = (np.log(volume) - sizes[place - 1]) / (sizes[place] - sizes[place - 1])
        level = levels[place - 1] + share * (levels[place] - levels[place - 1])
        return float(np.clip(100 * ndtr(level), LOWEST, HIGHEST))


@lru_cache(maxsize=2)
def reference(name):
    """Returns the `Reference` of a name.

    Raises:
        InputError: for one that medzoo does not carry.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    if name not in known:
        raise InputError(
            "`reference` must be a known reference population. "
            f"Received: reference={name!r}. Use one of {known}."
        )
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    regions = {
        region: {
            "codes": tuple(own["codes"]),
            "female": np.array(own["female"]),
            "male": np.array(own["male"]),
        }
        for region, own in content["regions"].items()
    }
    quantiles = np.array(content["quantiles"], float)
    return Reference(content["source"], tuple(content["ages"]), quantiles, regions)


def mm3_by_code(prediction):
    """Returns the volumes of a `Prediction` with codes: dict of code -> float, mm3."""
    own = zip(prediction.class_names[1:], prediction.codes[1:], strict=True)
    return {code: 1000 * prediction.volumes_ml[name] for name, code in own}


def corrected_volumes(volumes, population, corrections):
    """Returns the volumes of a reference's regions as its own method would measure.

    Args:
        volumes: dict of code -> float, mm3.
        population: `Reference`.
        corrections: dict of region -> float: what this method measures over what the
            reference's measures. Regions without one cannot be compared.

    Returns:
        dict of region -> float, mm3.
    """
    return {
        region: sum(volumes[code] for code in population.regions[region]["codes"])
        / factor
        for region, factor in corrections.items()
    }


def centiles_of(volumes, person, *, reference_name, corrections):
    """Returns the centile of every region that can be compared.

    Args:
        volumes: dict of code -> float, mm3.
        person: `Person`.
        reference_name: str.
        corrections: see `corrected_volumes`.

    Returns:
        dict of region -> float, and a list of str, warnings; no
        centiles for an age outside of the population's.
    """
    population = reference(reference_name)
    low, high = population.ages
    if not low <= person.age <= high:
        return {}, [
            f"No centiles for an age of {person.age:g} years: the reference population "
            f"is {low:g} to {high:g} years old."
        ]
    found = corrected_volumes(volumes, population, corrections)
    return {
        region: population.centile(volume, region, person) if volume > 0 else LOWEST
        for region, volume in found.items()
    }, []


def with_centiles(prediction, step):
    """Returns a `Prediction` of volumes with their centiles.

    Args:
        prediction: `Prediction` with codes.
        step: dict, arguments of the recipe's step "centiles", or None.

    Returns:
        `Prediction`; as it was where there is no step, or nobody is known.
    """
    if step is None or prediction.person is None:
        return prediction
    found, notes = centiles_of(
        mm3_by_code(prediction),
        prediction.person,
        reference_name=step["reference"],
        corrections=step["corrections"],
    )
    warnings = (*prediction.warnings, *notes)
    return replace(prediction, centiles=found or None, warnings=warnings)
