"""Lines of a training's log that also carry what they say, for tables of it."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class EpochFacts:
    """What the line of an epoch says.

    Args:
        epoch: int, counted from 1.
        total: int, epochs of this network.
        numbers: dict of str -> float, loss and metrics.
        learning_rate: float, at the end of the epoch.
        seconds: float, of its steps.
        network: str, which of several; "" for the one that is published.
    """

    epoch: int
    total: int
    numbers: dict
    learning_rate: float
    seconds: float
    network: str = ""


@dataclass(frozen=True)
class ValidationFacts:
    """What the line of a validation says.

    Args:
        epoch: int, counted from 1.
        numbers: dict of str -> float, the score first.
        network: as of `EpochFacts`.
    """

    epoch: int
    numbers: dict = field(default_factory=dict)
    network: str = ""


@dataclass(frozen=True)
class PlanFacts:
    """Which networks a training will train, in this order.

    Args:
        networks: tuple of str.
    """

    networks: tuple


class LogLine(str):
    """A line of the log, and its facts; to most it is a str.

    Attributes:
        facts: `EpochFacts`, `ValidationFacts` or `PlanFacts`.
    """

    __slots__ = ("facts",)

    def __new__(cls, text, facts):
        """Makes the line."""
        line = super().__new__(cls, text)
        line.facts = facts
        return line


def of_network(name, line):
    """Returns a line with the name of its network before it; facts stay with it.

    Args:
        name: str.
        line: str or `LogLine`.
    """
    text = f"{name}, {line}"
    if not isinstance(line, LogLine):
        return text
    return LogLine(text, replace(line.facts, network=name))


def plan_line(networks):
    """Returns the line on the networks that will be trained.

    Args:
        networks: sequence of str; "" is the one that is published.
    """
    named = ", ".join(name or "all cases" for name in networks)
    text = f"{len(networks)} networks to train: {named}"
    return LogLine(text, PlanFacts(tuple(networks)))
