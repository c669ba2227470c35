"""Prints what logits of each known scanner are divided by, from out_of_fold.csv.

    python scanner_factors.py

A factor is judged on people who had no part in it: each is left out in turn.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from medzoo.training.familiarity import factors_of_scanners
from medzoo.training.held_out import HeldOut
from medzoo.training.tasks import TASKS
from medzoo.zoo.recipe.schema import read_recipe

FOLDER = Path(__file__).resolve().parent


def main():
    """Prints a line a scanner."""
    recipe = read_recipe(FOLDER).to_dict()
    with (FOLDER / "out_of_fold.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = recipe["class_names"]
    shares = np.array([[float(row[name]) for name in names] for row in rows])
    targets = np.array([names.index(row["target"]) for row in rows], float)
    home = HeldOut(np.log(shares.clip(1e-6)), np.ones(len(rows)), targets)
    sources = np.array([row["source"] for row in rows])
    task = TASKS[recipe["task"]](recipe)
    for source in dict.fromkeys(sources.tolist()):
        own = home.only(sources == source)
        people = np.arange(len(own.targets))
        apart = np.array([factor(recipe, own.only(people != i)) for i in people])
        sys.stdout.write(
            f"{source}: factor {factor(recipe, own)}; left out "
            f"{apart.min():.1f} to {apart.max():.1f}; {of_all(task, own, apart)}\n"
        )


def factor(recipe, held_out):
    """The factor of people of one scanner."""
    sources = [""] * len(held_out.targets)
    return factors_of_scanners(recipe, held_out, None, sources, [""])[0]


def of_all(task, held_out, factors):
    """Log loss without and with factors, and the most certain errors."""
    plain = np.ones(len(factors))
    wrong = held_out.outputs.argmax(1) != held_out.targets
    worst = []
    for each in (plain, factors):
        logits = held_out.outputs / each[:, None]
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        worst.append(shares.max(1)[wrong].max())
    loss = [task.score(held_out.targets, held_out.outputs, f) for f in (plain, factors)]
    return (
        f"log loss {loss[0]:.3f} to {loss[1]:.3f}, "
        f"largest wrong probability {worst[0]:.2f} to {worst[1]:.2f}"
    )


if __name__ == "__main__":
    main()
