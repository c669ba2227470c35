"""Each shell completes with the script that the command prints for it."""

import shlex
import shutil
import subprocess

import pytest

from medzoo.cli.completion_scripts import script
from medzoo.cli.completion_words import Command, Option, described_commands
from medzoo.cli.main import COMMANDS
from medzoo.zoo.registry import list_models

BASH = """
source {path}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_medzoo
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
autoload -Uz compinit
compinit -u -D
eval "$(< {path})"
print $_comps[medzoo]
"""
HOSTILE = 'it\'s "quoted", [bracketed]: 100 % of \\paths $HOME `id` ' + "long " * 30


def run(shell, *arguments):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [shell, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split("\n")


@pytest.fixture
def completed(tmp_path, run_medzoo):
    """A function that gives what a shell offers behind a half-typed line."""

    def complete(shell, line):
        path = tmp_path / f"medzoo.{shell}"
        path.write_text(run_medzoo("completion", shell).stdout)
        if shell == "fish":
            code = f"source {path}; complete -C {shlex.quote(line)}"
            return {found.partition("\t")[0] for found in run("fish", "-c", code)}
        words = " ".join(map(shlex.quote, line.split(" ")))
        return set(run("bash", "-c", BASH.format(path=path, words=words)))

    return complete


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_commands_options_models_and_choices_are_completed(completed, shell):
    assert {"doctor", "download"} <= completed(shell, "medzoo do")
    assert "list" not in completed(shell, "medzoo do")
    assert set(list_models()) <= completed(shell, "medzoo predict ")
    assert "--sex" in completed(shell, "medzoo predict a.nii --se")
    assert "--sex" not in completed(shell, "medzoo list --")
    assert {"female", "male"} <= completed(shell, "medzoo predict a.nii --sex ")
    assert {"bash", "zsh", "fish"} <= completed(shell, "medzoo completion ")


def test_zsh_takes_the_script(tmp_path, run_medzoo):
    path = tmp_path / "medzoo.zsh"
    path.write_text(run_medzoo("completion", "zsh").stdout)

    assert run("zsh", "-f", "-c", ZSH.format(path=path))[0] == "_medzoo"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_no_text_of_a_help_ends_a_quotation(tmp_path, shell):
    option = Option(("-x", "--extra"), HOSTILE, True, ())
    path = tmp_path / "script"
    path.write_text(script(shell, [Command("do", HOSTILE, (option,), ("a", "b"))]))

    run(shell, "-n", str(path))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_every_option_is_in_the_script(shell):
    commands = described_commands(COMMANDS)
    text = script(shell, commands)

    assert [command.name for command in commands] == list(COMMANDS)
    for command in commands:
        assert command.name in text
        for option in command.options:
            assert all(flag.lstrip("-") in text for flag in option.flags)


def test_another_shell_is_refused(run_medzoo):
    done = run_medzoo("completion", "cmd")

    assert done.returncode == 2
    assert "bash" in done.stderr
