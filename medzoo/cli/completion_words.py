"""What can stand behind `medzoo`: commands, their options, and values of these."""

from argparse import Action
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from medzoo.cli.parser import CommandParser
from medzoo.zoo.registry import list_models

# Positional arguments that name models of the zoo; others are files.
OF_MODELS = ("name", "names")


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        flags: As "-o" and "--output".
        text: What it does, one line.
        takes_value: Whether a value follows.
        choices: The values that there are; empty where any may follow, as a file.
    """

    flags: tuple[str, ...]
    text: str
    takes_value: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: As it is typed.
        text: What it does.
        options: Its options.
        words: What its arguments without a flag can be; files too if there are none.
    """

    name: str
    text: str
    options: tuple[Option, ...]
    words: tuple[str, ...]


def described_commands(commands: Mapping[str, tuple[str, str]]) -> list[Command]:
    """Describes commands by their own argument parsers.

    Args:
        commands: Name -> module in medzoo.cli, and what it does.
    """
    return [_described(name, *about) for name, about in commands.items()]


def _described(name: str, module: str, text: str) -> Command:
    parser = CommandParser(prog=f"medzoo {name}")
    import_module(f"medzoo.cli.{module}").add_arguments(parser)
    options, words = [], []
    for action in parser._actions:
        choices = tuple(map(str, action.choices or ()))
        if action.option_strings:
            options.append(_option(action, choices))
        elif choices:
            words += choices
        elif action.dest in OF_MODELS:
            words += list_models()
    return Command(name, text, tuple(options), tuple(words))


def _option(action: Action, choices: tuple[str, ...]) -> Option:
    text = " ".join((action.help or "").replace("%(default)s", "").split())
    return Option(tuple(action.option_strings), text, action.nargs != 0, choices)
