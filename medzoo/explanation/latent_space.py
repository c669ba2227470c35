"""Codes of an autoencoder in two dimensions: where one scan lies among others."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.errors import InputError

LATENT_FILE = "latent.json"
NUM_NEAREST = 5
# Of the picture.
SIZE, EDGE = 480, 56
RADIUS = 5
# From young to old: a scale that is told apart by every kind of colour vision.
YOUNG, MIDDLE, OLD = (68, 1, 84), (33, 145, 140), (253, 231, 37)


@dataclass(frozen=True)
class LatentSpace:
    """The two largest principal components of the codes of people.

    Attributes:
        mean: `(latent_dim,)` float64, the mean code.
        axes: `(2, latent_dim)` float64: what a code, less the mean, is multiplied by
            to lie there, in standard deviations of the people.
        places: `(people, 2)` float64.
        ages: `(people,)` float64, years.
        variance: `(2,)` float64, the share of all variance along each axis.
    """

    mean: np.ndarray
    axes: np.ndarray
    places: np.ndarray
    ages: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, codes, ages):
        """Returns the space of people.

        Args:
            codes: `(people, latent_dim)` array, three people or more.
            ages: `(people,)` array, years.
        """
        codes = np.asarray(codes, np.float64)
        mean = codes.mean(axis=0)
        _, sizes, vectors = np.linalg.svd(codes - mean, full_matrices=False)
        deviations = sizes[:2, None] / np.sqrt(len(codes) - 1)
        axes = vectors[:2] / deviations
        shares = sizes[:2] ** 2 / np.sum(sizes**2)
        ages = np.asarray(ages, np.float64)
        return cls(mean, axes, (codes - mean) @ axes.T, ages, shares)

    def place(self, code):
        """Returns where a code lies, `(2,)` float64, standard deviations."""
        return (np.asarray(code, np.float64) - self.mean) @ self.axes.T

    def nearest_ages(self, place):
        """Returns the ages of the people nearest to a place, a tuple, nearest first."""
        distances = np.linalg.norm(self.places - place, axis=1)
        return tuple(float(self.ages[i]) for i in distances.argsort()[:NUM_NEAREST])

    def to_json(self):
        """Returns the text of a file: no code of a person, two numbers and an age."""
        people = [
            [round(float(x), 2), round(float(y), 2), round(float(age))]
            for (x, y), age in zip(self.places, self.ages, strict=True)
        ]
        content = {
            "mean": [float(f"{value:.5g}") for value in self.mean],
            "axes": [[float(f"{v:.5g}") for v in axis] for axis in self.axes],
            "variance": [round(float(share), 4) for share in self.variance],
            "people": people,
        }
        return json.dumps(content) + "\n"

    @classmethod
    def read(cls, path):
        """Reads a file of `to_json`.

        Raises:
            InputError: for a file of another kind.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            people = np.array(content["people"], np.float64).reshape(-1, 3)
            mean = np.array(content["mean"], np.float64)
            axes = np.array(content["axes"], np.float64).reshape(2, len(mean))
            variance = np.array(content["variance"], np.float64).reshape(2)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"Codes of people must be a file of LatentSpace in {path}. "
                f"Received: {type(error).__name__}. Write it anew."
            ) from error
        return cls(mean, axes, people[:, :2], people[:, 2], variance)


def latent_svg(space, place=None):
    """Draws the people of a space, coloured by age, and one more.

    Args:
        space: `LatentSpace`.
        place: `(2,)` array, where the scan lies, or None.

    Returns:
        str, an SVG.
    """
    shown = space.places if place is None else np.vstack([space.places, place])
    reach = float(np.abs(shown).max()) * 1.1

    def spot(point):
        x, y = (np.asarray(point) / reach + 1) / 2 * (SIZE - 2 * EDGE) + EDGE
        return round(float(x), 1), round(float(SIZE - y), 1)

    ages = space.ages
    parts = _frame(space, reach)
    for point, age in zip(space.places, ages, strict=True):
        x, y = spot(point)
        style = f'fill="{_colour(age, ages)}" stroke="#444" stroke-width="0.5"'
        title = f"<title>{age:.0f} years</title>"
        parts.append(f'<circle cx="{x}" cy="{y}" r="{RADIUS}" {style}>{title}</circle>')
    if place is not None:
        x, y = spot(place)
        for dx, dy in ((9, 9), (9, -9)):
            ends = f'x1="{x - dx}" y1="{y - dy}" x2="{x + dx}" y2="{y + dy}"'
            parts.append(f'<line {ends} stroke="#d55e00" stroke-width="4"/>')
        parts.append(_text(x + 14, y + 4, "this scan", "start"))
    size = f'width="{SIZE}" height="{SIZE}" viewBox="0 0 {SIZE} {SIZE}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    back = f'<rect width="{SIZE}" height="{SIZE}" fill="#fff"/>'
    return "\n".join([head, back, *parts, "</svg>"]) + "\n"


def _frame(space, reach):
    """Axes with their words, and the scale of ages."""
    end = SIZE - EDGE
    parts = [
        f'<path d="M{EDGE} {EDGE}V{end}H{end}" fill="none" stroke="#444"/>',
        *(
            _text(SIZE / 2, end + 40, _axis_words(space, 0), "middle"),
            f'<g transform="rotate(-90 18 {SIZE / 2})">'
            + _text(18, SIZE / 2, _axis_words(space, 1), "middle")
            + "</g>",
        ),
    ]
    for value in (-2, 0, 2):
        if abs(value) < reach:
            at = (value / reach + 1) / 2 * (SIZE - 2 * EDGE) + EDGE
            parts.append(_text(at, end + 16, f"{value:g}", "middle"))
            parts.append(_text(EDGE - 8, SIZE - at + 4, f"{value:g}", "end"))
    low, high = float(space.ages.min()), float(space.ages.max())
    for step in range(21):
        age = low + (high - low) * step / 20
        x = EDGE + 8 * step
        fill = _colour(age, space.ages)
        parts.append(f'<rect x="{x}" y="22" width="8" height="10" fill="{fill}"/>')
    parts.append(_text(EDGE - 6, 31, f"{low:.0f}", "end"))
    parts.append(_text(EDGE + 174, 31, f"{high:.0f} years", "start"))
    return parts


def _axis_words(space, axis):
    share = 100 * space.variance[axis]
    return f"component {axis + 1} (SD; {share:.0f} % of the variance)"


def _text(x, y, words, anchor):
    place = f'x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
    return f'<text {place} font-size="12" fill="#222">{words}</text>'


def _colour(age, ages):
    low, high = float(np.min(ages)), float(np.max(ages))
    share = 0.0 if high == low else (age - low) / (high - low)
    first, last = (YOUNG, MIDDLE) if share < 0.5 else (MIDDLE, OLD)
    part = 2 * share if share < 0.5 else 2 * share - 1
    mixed = [a + (b - a) * part for a, b in zip(first, last, strict=True)]
    return "#" + "".join(f"{round(value):02x}" for value in mixed)
