"""The scripts of `medzoo completion`, for bash, zsh and fish.

They hold all words: a key press starts no Python.
"""

import shlex
from collections.abc import Callable, Sequence

from medzoo.cli.completion_words import Command, Option

# A longer description leaves no room for the words.
MOST_TEXT = 70

BASH = """\
# bash completion for medzoo, written by `medzoo completion bash`
_medzoo() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local words=""
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        words={commands}
    else
        case "${{COMP_WORDS[1]}} $before" in
{values}
        esac
        if [[ -z $words ]]; then
            case "${{COMP_WORDS[1]}}" in
{cases}
            esac
        fi
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -o bashdefault -F _medzoo medzoo
"""

ZSH = """\
#compdef medzoo
# zsh completion for medzoo, written by `medzoo completion zsh`
_medzoo() {{
    local -a commands
    commands=({commands})
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=${{words[2]}}
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
if [[ ${{funcstack[1]}} == _medzoo ]]; then
    _medzoo "$@"
else
    compdef _medzoo medzoo
fi
"""


def script(shell: str, commands: Sequence[Command]) -> str:
    """Writes the completion script of a shell.

    Args:
        shell: "bash", "zsh" or "fish".
        commands: What is completed.
    """
    makers: dict[str, Callable[[Sequence[Command]], str]]
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return makers[shell](commands)


def _bash(commands: Sequence[Command]) -> str:
    values, cases = [], []
    for command in commands:
        for option in command.options:
            if option.choices:
                places = "|".join(f'"{command.name} {flag}"' for flag in option.flags)
                words = shlex.quote(" ".join(option.choices))
                values.append(f"            {places}) words={words} ;;")
            elif option.takes_value:
                places = "|".join(f'"{command.name} {flag}"' for flag in option.flags)
                values.append(f"            {places}) return ;;")
        words = [flag for option in command.options for flag in option.flags]
        words = shlex.quote(" ".join([*words, *command.words]))
        cases.append(f"                {command.name}) words={words} ;;")
    names = shlex.quote(" ".join(command.name for command in commands))
    return BASH.format(commands=names, values="\n".join(values), cases="\n".join(cases))


def _zsh(commands: Sequence[Command]) -> str:
    cases = []
    for command in commands:
        lines = [_zsh_option(option) for option in command.options]
        rest = "*:file:_files"
        if command.words:
            words = f"({' '.join(command.words)})"
            # In braces it is run as it stands, without options of `_arguments`.
            rest = f'*:argument:{{_alternative "words:word:{words}" files:file:_files}}'
        lines.append(shlex.quote(rest))
        joined = " \\\n            ".join(lines)
        cases.append(
            f"        {command.name}) _arguments -s \\\n            {joined} ;;"
        )
    described = [shlex.quote(f"{c.name}:{_short(c.text)}") for c in commands]
    return ZSH.format(commands=" ".join(described), cases="\n".join(cases))


def _zsh_option(option: Option) -> str:
    """An option as `_arguments` takes it: its flags exclude each other."""
    text = _short(option.text)
    for sign in ("\\", "[", "]", ":"):
        text = text.replace(sign, f"\\{sign}")
    value = ""
    if option.takes_value:
        choices = f"({' '.join(option.choices)})" if option.choices else "_files"
        value = f":value:{choices}"
    # Some, as --channel, are given again and again.
    return " ".join(shlex.quote(f"*{flag}[{text}]{value}") for flag in option.flags)


def _fish(commands: Sequence[Command]) -> str:
    lines = ["# fish completion for medzoo, written by `medzoo completion fish`"]
    for command in commands:
        begin = "complete -c medzoo -n __fish_use_subcommand -f"
        lines.append(f"{begin} -a {command.name} -d {_fish_text(command.text)}")
        here = f"-n '__fish_seen_subcommand_from {command.name}'"
        if command.words:
            words = shlex.quote(" ".join(command.words))
            lines.append(f"complete -c medzoo {here} -a {words}")
        lines += [_fish_option(here, option) for option in command.options]
    return "\n".join(lines) + "\n"


def _fish_option(here: str, option: Option) -> str:
    parts = ["complete -c medzoo", here]
    for flag in option.flags:
        name = flag.lstrip("-")
        parts.append(f"-l {name}" if flag.startswith("--") else f"-s {name}")
    if option.choices:
        parts.append(f"-x -a {shlex.quote(' '.join(option.choices))}")
    elif option.takes_value:
        parts.append("-r")
    return " ".join([*parts, "-d", _fish_text(option.text)])


def _fish_text(text: str) -> str:
    """A text in single quotes, in which fish knows two escapes."""
    escaped = _short(text).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _short(text: str) -> str:
    if len(text) <= MOST_TEXT:
        return text
    return f"{text[: MOST_TEXT - 3].rsplit(' ', 1)[0]}..."
