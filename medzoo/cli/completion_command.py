"""`medzoo completion SHELL`: what the shell needs to complete commands."""

import sys
from argparse import ArgumentParser, Namespace

SHELLS = ("bash", "zsh", "fish")
# How each shell reads it, for the help.
USES = """\
bash: echo 'eval "$(medzoo completion bash)"' >> ~/.bashrc
zsh:  echo 'eval "$(medzoo completion zsh)"' >> ~/.zshrc   (after compinit)
fish: medzoo completion fish > ~/.config/fish/completions/medzoo.fish"""


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument("shell", choices=SHELLS, metavar="bash|zsh|fish")
    parser.epilog = f"to install:\n{USES}"


def run(values: Namespace) -> int:
    """Prints the script; gives the exit code."""
    from medzoo.cli.completion_scripts import script
    from medzoo.cli.completion_words import described_commands
    from medzoo.cli.main import COMMANDS

    sys.stdout.write(script(values.shell, described_commands(COMMANDS)))
    return 0
