"""Prints what the age of a scanner that was left out of training is worth.

    python other_scanner.py

From out_of_scanner.csv and the recipe alone. For each scanner: how many ages the
interval holds with the published factor of an unknown scanner (which was fitted to
these people); and the mean absolute error on the rest when twenty people (two thirds
where there are few) are drawn at random: of the prediction as it is, recalibrated, by
always a shift and always a line, and of the median of the twenty.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from medzoo.inference.familiarity import uncertainty_factor
from medzoo.inference.postprocess import step_arguments
from medzoo.training.recalibration import best_kind, fitted

FOLDER = Path(__file__).parent
DRAWS, KNOWN = 200, 20


def main():
    """Prints two lines a scanner."""
    recipe = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    with (FOLDER / "out_of_scanner.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for source in dict.fromkeys(row["source"] for row in rows):
        own = [row for row in rows if row["source"] == source]
        columns = ("target", "prediction", "distance")
        ages, found, far = (np.array([float(r[c]) for r in own]) for c in columns)
        covered = np.mean(holds(recipe, ages, found, far))
        errors = drawn_errors(ages, found)
        told = ", ".join(f"{name} {np.mean(e):.1f}" for name, e in errors.items())
        sys.stdout.write(f"{source}: interval holds {covered:.2f} of {len(own)}\n")
        sys.stdout.write(f"  error in years: {told}\n")


def holds(recipe, ages, found, distances):
    """Whether the published interval holds each age, `(people,)` bool."""
    ends, step = (step_arguments(recipe, n) for n in ("interval", "familiarity"))
    # Of no known scanner, whose factors count for the contrasts that were kept.
    step = {name: value for name, value in step.items() if name != "scanners"}
    factors = np.array([uncertainty_factor(one, step) for one in distances[:, None]])
    low, high = (found + factors * ends[end] for end in ("lower", "upper"))
    return (low <= ages) & (ages <= high)


def drawn_errors(ages, found):
    """Mean absolute errors in each draw, dict of str -> list of float."""
    generator = np.random.default_rng(0)
    count = min(KNOWN, 2 * len(ages) // 3)
    errors = {}
    for _ in range(DRAWS):
        order = generator.permutation(len(ages))
        known, others = order[:count], order[count:]
        kind = best_kind(found[known], ages[known], known)
        lines = {"as it is": "unchanged", "recalibrated": kind}
        for name, way in {**lines, "shift": "shift", "line": "line"}.items():
            slope, intercept = fitted(way, found[known], ages[known])
            off = slope * found[others] + intercept - ages[others]
            errors.setdefault(name, []).append(np.abs(off).mean())
        off = np.median(ages[known]) - ages[others]
        errors.setdefault("median", []).append(np.abs(off).mean())
    return errors


if __name__ == "__main__":
    sys.exit(main())
