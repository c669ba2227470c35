"""The `medzoo` command: chooses a command, imports it alone, and reports errors."""

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from medzoo._version import __version__
from medzoo.cli.parser import CommandParser
from medzoo.errors import MedzooError, MedzooWarning

# Command -> its module in medzoo.cli, and what it does. The module is imported when
# the command is chosen: the others may need what is not installed, or is slow.
COMMANDS = {
    "list": ("list_command", "list the models of the zoo"),
    "info": ("info_command", "describe a model: data, metrics, licence and limits"),
    "predict": ("predict_command", "predict on images"),
    "explain": (
        "explain_command",
        "explain a prediction: attribution map and effect of each region",
    ),
    "serve": ("serve_command", "start a local web interface with a JSON API"),
    "merge": ("merge_command", "write one table of a cohort that was done in shards"),
    "preprocess": (
        "preprocess_command",
        "normalise scans: bias field, noise, brain, standard space",
    ),
    "dicom": ("dicom_command", "list the series of a DICOM folder, or convert one"),
    "evaluate": ("evaluate_command", "evaluate a model on labelled cases"),
    "train": ("train_command", "train a model from its recipe"),
    "recalibrate": ("recalibrate_command", "fit an age model to another scanner"),
    "search": (
        "search_command",
        "search settings of a training, such as its learning rate, by Optuna",
    ),
    "download": (
        "download_command",
        "download a public data set and write its case table",
    ),
    "fetch": ("fetch_command", "download and verify weights for offline use"),
    "verify": ("verify_command", "verify installed and cached models"),
    "publish": ("publish_command", "publish a model folder to a hub or a folder"),
    "cards": ("cards_command", "write the model cards, or check that they are current"),
    "demo": ("demo_command", "run every model on one scan and draw the results"),
    "doctor": ("doctor_command", "examine this installation and say what to do"),
    "completion": ("completion_command", "print the completion script of a shell"),
}

EXIT_WRONG_USE = 2
EXIT_INTERRUPTED = 130
# What shells report for a process ended by SIGPIPE, as most tools are.
EXIT_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: What follows `medzoo` on the command line; None takes sys.argv.

    Returns:
        The exit code: 0 every case has a result, 1 some have, 2 none has or wrong use,
        130 interrupted, 141 nobody reads the output.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    _keep_printing_any_text()
    # TensorFlow reads it once, when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warning_printer(warnings.showwarning)
            code = _run(arguments)
        return _flushed(code)
    except BrokenPipeError:
        # Python flushes stdout once more on its way out; let that go nowhere.
        _send_nowhere()
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        _say("error: interrupted")
        return EXIT_INTERRUPTED
    except MedzooError as error:
        _say(f"error: {error}")
        return EXIT_WRONG_USE
    # A full disk or a folder without permission is the user's to mend, like the rest.
    except OSError as error:
        _say(f"error: {_of_system(error)}")
        return EXIT_WRONG_USE


def _of_system(error: OSError) -> str:
    """Says what the operating system refused, in the form of other errors."""
    if error.filename is None or error.strerror is None:
        return str(error)
    return (
        f"The file system must allow what is asked. Received: {error.filename} "
        f"({error.strerror}). Check the path, its permissions and the space left."
    )


def _run(arguments: list[str]) -> int:
    if arguments[:1] and arguments[0] in COMMANDS:
        module_name, summary = COMMANDS[arguments[0]]
        module = import_module(f"medzoo.cli.{module_name}")
        parser = CommandParser(
            prog=f"medzoo {arguments[0]}", description=_sentence(summary)
        )
        module.add_arguments(parser)
        return _parse(parser, arguments[1:], module)
    return _parse(_top_parser(), arguments, None)


def _parse(parser: CommandParser, arguments: list[str], module: object | None) -> int:
    try:
        # Intermixed, because `predict NAME --json a.nii b.nii` is natural to write.
        values = parser.parse_intermixed_args(arguments)
    except SystemExit as stop:  # argparse ends --help and --version this way
        return int(stop.code or 0)
    if module is None:
        parser.error("give a command")
    return module.run(values)


def _top_parser() -> CommandParser:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    parser = CommandParser(
        prog="medzoo",
        usage="medzoo [-h] [--version] COMMAND ...",
        description="A model zoo for volumetric medical images.",
        epilog="\n".join(["commands:", *lines, "", "See medzoo COMMAND --help."]),
    )
    parser.add_argument("--version", action="version", version=f"medzoo {__version__}")
    parser.add_argument(
        "command",
        choices=tuple(COMMANDS),
        metavar="COMMAND",
        help="one of the commands below",
    )
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _flushed(code: int) -> int:
    """Flushes stdout, whose disk may be full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Or Python would try once more on its way out, with a traceback.
        _send_nowhere()
        _say(f"error: The output could not be written. Received: {error.strerror}.")
        return EXIT_WRONG_USE
    return code


def _send_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Gives Python streams where the shell closed them (`>&-`): both are written to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Open as long as the process lives.
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def _keep_printing_any_text() -> None:
    # A name that the terminal cannot show is no reason to lose a result.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _warning_printer(default: object) -> object:
    def show(message, category, filename, lineno, file=None, line=None) -> None:
        if issubclass(category, MedzooWarning):
            _say(f"warning: {message}")
        else:
            default(message, category, filename, lineno, file, line)

    return show


def _say(text: str) -> None:
    # One line whatever a file name holds: no line breaks, no terminal control.
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    # A full disk behind stderr is no reason to end otherwise.
    with suppress(OSError, ValueError):
        sys.stderr.write(f"medzoo: {line}\n")
