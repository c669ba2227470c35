"""Growth of uncertainty with the distance from the training data."""

from itertools import product

import numpy as np

from medzoo.inference.familiarity import uncertainty_factor
from medzoo.training.held_out import of_others
from medzoo.training.tasks import TASKS

# Nine of ten people of a scanner that is known lie nearer than what is called usual.
USUAL = 0.9
# Of what is usual, the least distance that is warned of.
LEAST_LIMIT = 1.1
# Uncertainty grows with the distance to this power at most.
MAX_GROWTH = 4.0
# A scanner has a factor of its own from so many people on.
FEWEST_PEOPLE = 15
OWN_FACTORS = np.arange(1, 4.01, 0.1)


def familiarity(recipe, home, away, interval, sources):
    """Fits the growth of uncertainty with the distance from the training data.

    Args:
        recipe: dict.
        home: `HeldOut`, people left out.
        away: `HeldOut`, scanners left out.
        interval: dict of the interval at home, or None for classes.
        sources: sequence of str, the scanner of each case; all count alike.

    Returns:
        dict, arguments of the step "familiarity".
    """
    task, sources = TASKS[recipe["task"]](recipe), np.asarray(sources)
    usual = float(np.quantile(home.distances, USUAL))
    scanners = [away.only(sources == source) for source in np.unique(sources)]
    # Of the scanner that is most like the others.
    new = min(float(np.quantile(own.distances, 1 - USUAL)) for own in scanners)

    def score(growth, unknown):
        step = _step(usual, new, growth, unknown)
        return np.mean(
            [
                task.score(
                    own.targets, own.outputs, _away(own.distances, step), interval
                )
                for own in scanners
            ]
        )

    choices = product(np.arange(0, MAX_GROWTH + 0.01, 0.1), OWN_FACTORS)
    return _step(usual, new, *min(choices, key=lambda choice: score(*choice)))


def _step(usual, new, growth, unknown):
    """The arguments of the step for a growth and a factor of unknown scanners."""
    # Warned is half-way to new scanners, or where uncertainty has doubled.
    doubled = usual * 2 ** (1 / growth) if growth else np.inf
    limit = max(min(doubled, np.sqrt(usual * new)), LEAST_LIMIT * usual)
    return {
        "usual": round(usual, 4),
        "growth": round(float(growth), 2),
        "limit": round(float(limit), 4),
        "unknown": round(float(unknown), 2),
    }


def _away(distances, step):
    """The factor of each case of a scanner that was left out."""
    nearest = np.asarray(distances)[:, None]
    return np.array([uncertainty_factor(one, step) for one in nearest])


def factors_of_scanners(recipe, home, interval, sources, contrasts):
    """Estimates the ratio of each scanner's uncertainty to the overall one.

    Args:
        recipe: dict.
        home: `HeldOut`, people left out.
        interval: dict of the interval at home, or None for classes.
        sources: list of str, the scanner of each case.
        contrasts: list of str, the scanner of each contrast that the network keeps.

    Returns:
        list of float, one a contrast, 1 or more; 1 for a scanner of few people.
    """
    task = TASKS[recipe["task"]](recipe)
    sources, factors = np.asarray(sources), {}
    for source in set(contrasts):
        own = home.only(sources == source)

        def score(factor, own=own):
            widened = np.full(len(own.targets), factor)
            return task.score(own.targets, own.outputs, widened, interval)

        enough = own.num_people() >= FEWEST_PEOPLE
        factor = min(OWN_FACTORS, key=score) if enough else 1.0
        factors[source] = round(float(factor), 2)
    return [factors[source] for source in contrasts]


def uncertainty_by_others(recipe, home, away, sources):
    """Estimates the uncertainty of each case without its own scanner.

    Interval and growth come from the other scanners, and people who were not on it:
    what is chosen on a scanner could not be judged by it.

    Args:
        recipe: dict.
        home: `HeldOut`, people left out.
        away: `HeldOut`, scanners left out.
        sources: list of str, the scanner of each case.

    Returns:
        list of the interval of each case (None for classes), and `(cases,)` array of
        what it is multiplied by, or logits are divided by.
    """
    sources = np.asarray(sources)
    task = TASKS[recipe["task"]](recipe)
    people = range(len(sources)) if home.people is None else home.people
    intervals, factors = [None] * len(sources), np.ones(len(sources))
    for source in dict.fromkeys(sources.tolist()):
        own = sources == source
        others = np.zeros(len(sources), bool)
        others[of_others(sources, people, source)] = True
        known = home.only(others)
        interval = task.interval(known.targets, known.outputs)
        step = familiarity(recipe, known, away.only(others), interval, sources[others])
        factors[own] = _away(away.distances[own], step)
        for place in np.flatnonzero(own):
            intervals[place] = interval
    return intervals, factors
